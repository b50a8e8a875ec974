import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The project's own folder. */
export const PROJECT = resolve(__dirname, '../..');

/** A temporary project, in which rules can be broken without anybody seeing it but the tool. */
export interface Tree {
  readonly folder: string;
  remove(): void;
}

/**
 * Writes `files` (path → content) into a new temporary folder.
 *
 * @param nodeModules `project` links the project's own packages, so that types resolve; `none` leaves them out.
 */
export function makeTree(files: Readonly<Record<string, string>>, nodeModules: 'project' | 'none'): Tree {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hygiene-')));
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  if (nodeModules === 'project') symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in `folder` to its end, whatever its exit code; rejects when it cannot be started. */
export function run(
  command: string,
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Outcome> {
  return new Promise((onEnd, onFailure) => {
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', onFailure);
    child.on('close', (code) => onEnd({ exitCode: code ?? -1, stdout, stderr }));
  });
}
