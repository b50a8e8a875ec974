import { REDIS_FOLDERS, REDIS_PORT, REDIS_USERS } from './redis-config.js';

/*
 * Shell of the Redis pods. It needs sh, getent, grep, sed, sort, tr and Redis itself, nothing else; the password comes
 * from REDISCLI_AUTH. Pods tell each other which Kubernetes node they are on through `syslog-ident`, the one free text
 * among the settings that every version from 7.0 on reads back.
 */

const FUNCTIONS = `cli() { at=$1; shift; redis-cli --user ${REDIS_USERS.admin} -h "$at" -p ${REDIS_PORT} "$@" | tr -d '\\r'; }
address_of() { getent hosts "$1" | { read -r found rest && echo "$found"; } || true; }
`;

const PORTS = `${REDIS_PORT}@${REDIS_PORT + 10_000}`;

/** Starts a node. */
const START = `#!/bin/sh
# A pod comes back with another address, and so may all others have: nodes.conf gets the addresses their names have now.
set -eu
${FUNCTIONS}
name="$POD_NAME.$REDIS_SERVICE"
nodes=${REDIS_FOLDERS.data}/nodes.conf
if [ -s "$nodes" ]; then
  while read -r id address rest; do
    case "$address" in
      *,*)
        known=\${address#*,}
        if [ "\${known%%,*}" = "$name" ]; then now=$POD_IP; else now=$(address_of "\${known%%,*}"); fi
        if [ -n "$now" ]; then address="$now:${PORTS},$known"; fi
        ;;
    esac
    printf '%s %s %s\\n' "$id" "$address" "$rest"
  done < "$nodes" > "$nodes.new"
  mv "$nodes.new" "$nodes"
fi

# Names may have told old addresses above. Nodes that stay out of reach are looked up and met again; and a replica that
# learns its primary's new address from a third node goes on calling the old one until it is told again whom to follow.
(
  while sleep 5; do
    cli "$POD_IP" cluster nodes > /tmp/nodes 2> /dev/null || continue
    while read -r id address flags primary ping pong epoch link rest; do
      case "$link,$address" in
        disconnected,*,*)
          known=\${address#*,}
          now=$(address_of "\${known%%,*}")
          if [ -n "$now" ] && [ "$now" != "\${address%%:*}" ]; then
            cli "$POD_IP" cluster meet "$now" ${REDIS_PORT} > /dev/null 2>&1 || true
          fi
          ;;
      esac
      case "$flags,$primary" in
        myself,slave,[0-9a-f]*)
          listed=$(sed -n "s/^$primary \\([^:]*\\):.*/\\1/p" /tmp/nodes)
          called=$(cli "$POD_IP" info replication | sed -n 's/^master_host://p')
          if [ -n "$listed" ] && [ -n "$called" ] && [ "$listed" != "$called" ]; then
            cli "$POD_IP" cluster replicate "$primary" > /dev/null 2>&1 || true
          fi
          ;;
      esac
    done < /tmp/nodes || true
  done
) &

exec redis-server ${REDIS_FOLDERS.config}/redis.conf \\
  --cluster-announce-ip "$POD_IP" --cluster-announce-hostname "$name" --syslog-ident "$NODE_NAME"
`;

/** Before a node is stopped: a primary hands over to its replica, so that its partition misses milliseconds. */
const STOP = `#!/bin/sh
set -u
${FUNCTIONS}
is_primary() { cli "$POD_IP" info replication | grep -q '^role:master'; }
is_primary || exit 0
me=$(cli "$POD_IP" cluster myid)
cli "$POD_IP" cluster nodes | while read -r id address flags primary ping pong epoch link rest; do
  case "$flags,$primary,$link" in
    slave,"$me",connected) cli "\${address%%:*}" cluster failover ;;
  esac
done
for second in 1 2 3 4 5 6 7 8 9 10; do
  is_primary || exit 0
  sleep 1
done
exit 0
`;

/** A node lives while it answers anything: loading its file, or busy with a script, it is not to be killed. */
const LIVE = `#!/bin/sh
${FUNCTIONS}
test -n "$(cli "$POD_IP" ping 2> /dev/null)"
`;

/** A node is ready when it serves commands. Whether the cluster is complete is no matter of one node. */
const READY = `#!/bin/sh
${FUNCTIONS}
test "$(cli "$POD_IP" ping 2> /dev/null)" = PONG
`;

/** Makes one cluster of the nodes in REDIS_HOSTS. Every step looks first whether it is done: it can run again. */
const BOOTSTRAP = `#!/bin/sh
set -eu
${FUNCTIONS}
work=$(mktemp -d)
info() { cli "$1" cluster info | sed -n "s/^$2://p"; }
myself() { cli "$1" cluster nodes | grep myself; }
id_of() { cli "$1" cluster myid; }
line() { sed -n "$1"p "$2"; }
node_of() { grep " $1\\$" "$work/order" | sed 's/ .*//'; }
is_primary() { cli "$1" info replication | grep -q '^role:master'; }
# Fields of a node's line after the eighth are its slots.
has_slots() { myself "$1" | { read -r a b c d e f g h slots && [ -n "$slots" ]; }; }
replicas_of() { cli "$1" cluster nodes | grep -c "slave $2 " || true; }

count=0
for host in $REDIS_HOSTS; do
  count=$((count + 1))
  until [ "$(cli "$host" ping 2> /dev/null)" = PONG ]; do echo "waiting for $host"; sleep 1; done
done
half=$((count / 2))

# Sorted by Kubernetes node (whose names begin alike within a zone), the pods half a list apart are on different nodes,
# unless one node has more than half of them. Every other pair is turned round, so that primaries spread as well.
for host in $REDIS_HOSTS; do
  echo "$(cli "$host" config get syslog-ident | sed -n 2p) $host"
done | sort > "$work/order"
i=1
while [ $i -le $half ]; do
  a=$(line $i "$work/order" | sed 's/.* //'); b=$(line $((i + half)) "$work/order" | sed 's/.* //')
  if [ $((i % 2)) -eq 1 ]; then echo "$a $b"; else echo "$b $a"; fi
  i=$((i + 1))
done > "$work/pairs"

member=
for host in $REDIS_HOSTS; do
  if [ "$(info "$host" cluster_slots_assigned)" = 16384 ] && [ "$(info "$host" cluster_known_nodes)" -gt 1 ]; then
    member=$host
    break
  fi
done

meet_all() {
  for host in $REDIS_HOSTS; do
    if [ "$(info "$host" cluster_known_nodes)" -lt "$count" ]; then
      cli "$1" cluster meet "$(address_of "$host")" ${REDIS_PORT} > /dev/null
    fi
  done
  for host in $REDIS_HOSTS; do
    until [ "$(info "$host" cluster_known_nodes)" -ge "$count" ] && [ "$(info "$host" cluster_slots_assigned)" = 16384 ]; do
      echo "waiting for $host to know all nodes"
      sleep 1
    done
  done
}
replicate() {
  until [ "$(cli "$1" cluster replicate "$2" 2>&1)" = OK ]; do echo "waiting for $1 to follow $2"; sleep 1; done
}

if [ -z "$member" ]; then
  echo "making a cluster of $count nodes"
  shard=0
  while read -r primary replica; do
    if ! has_slots "$primary"; then
      cli "$primary" cluster set-config-epoch $((shard + 1)) > /dev/null
      answer=$(cli "$primary" cluster addslotsrange $((16384 * shard / half)) $((16384 * (shard + 1) / half - 1)))
      if [ "$answer" != OK ]; then echo "$primary takes no slots: $answer" >&2; exit 1; fi
    fi
    shard=$((shard + 1))
  done < "$work/pairs"
  meet_all "$(line 1 "$work/pairs" | sed 's/ .*//')"
  while read -r primary replica; do
    if is_primary "$replica"; then replicate "$replica" "$(id_of "$primary")"; fi
  done < "$work/pairs"
else
  echo "the cluster exists"
  for host in $REDIS_HOSTS; do id_of "$host"; done > "$work/ids"
  # A pod whose volume was lost comes back as another node: the old one is forgotten, the new one becomes a replica.
  for host in $REDIS_HOSTS; do
    cli "$host" cluster nodes | while read -r id rest; do
      if ! grep -q "$id" "$work/ids"; then echo "$host forgets $id"; cli "$host" cluster forget "$id" > /dev/null; fi
    done
  done
  meet_all "$member"
  for host in $REDIS_HOSTS; do
    if is_primary "$host" && ! has_slots "$host"; then
      target=
      for other in $REDIS_HOSTS; do
        if is_primary "$other" && has_slots "$other" && [ "$(replicas_of "$member" "$(id_of "$other")")" -eq 0 ]; then
          if [ -z "$target" ] || [ "$(node_of "$target")" = "$(node_of "$host")" ]; then target=$other; fi
        fi
      done
      if [ -n "$target" ]; then replicate "$host" "$(id_of "$target")"; fi
    fi
  done
fi

for host in $REDIS_HOSTS; do
  until [ "$(info "$host" cluster_state)" = ok ]; do echo "waiting for $host to be ok"; sleep 1; done
  until is_primary "$host" || cli "$host" info replication | grep -q '^master_link_status:up'; do
    echo "waiting for $host to be in step"
    sleep 1
  done
done
cli "\${member:-$host}" cluster nodes
`;

/** The scripts by file name. */
export const REDIS_SCRIPTS = {
  'start.sh': START,
  'stop.sh': STOP,
  'live.sh': LIVE,
  'ready.sh': READY,
  'bootstrap.sh': BOOTSTRAP,
} as const;
