#!/bin/sh
# Launcher of the command line: ./experiment.sh COMMAND. Works from any folder and through a symbolic link; relative
# paths in the arguments are those of the caller's folder.
set -eu

# The folder this file really lies in.
self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=$(dirname "$self")/$target ;;
  esac
done
here=$(CDPATH='' cd -P "$(dirname "$self")" && pwd)

fail() {
  printf 'experiment.sh: %s\n' "$1" >&2
  exit 2
}

command -v node >/dev/null 2>&1 || fail 'Node.js is not installed (or not on the PATH). Version 20.19 or newer is needed.'

version=$(node --version)
numbers=${version#v}
major=${numbers%%.*}
rest=${numbers#*.}
minor=${rest%%.*}
if [ "$major" -lt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -lt 19 ]; }; then
  fail "Node.js $version is too old: version 20.19 or newer is needed."
fi

[ -f "$here/node_modules/tsx/dist/loader.mjs" ] || fail "The dependencies are not installed. Run: (cd '$here' && npm ci)"

# --import takes a URL: what has a meaning in one is escaped.
url=$(printf '%s' "$here" | sed 's/%/%25/g; s/#/%23/g; s/?/%3F/g; s/ /%20/g')

# Without this, tsx takes the tsconfig.json of the caller's folder.
export TSX_TSCONFIG_PATH="$here/tsconfig.json"

# Room for young objects (MB) from the start: V8 begins with 1 MB and grows it under load, and until then each second of a
# live run has pauses of several milliseconds in which nothing is dispatched.
young=--min-semi-space-size=16

# exec: signals (Ctrl-C once, twice) and the exit code are the command line's own.
exec node "$young" --import "file://$url/node_modules/tsx/dist/loader.mjs" "$here/runtime/cli/main.ts" "$@"
