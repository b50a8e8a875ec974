/**
 * Runs all static checks and says for each whether it passed: `npm run check`. A failing check does not hide the ones
 * after it.
 */
import { spawn } from 'node:child_process';

/** npm scripts, the slow ones first: two run at a time. */
const CHECKS = ['typecheck', 'lint', 'dependencies', 'unused', 'format:check'];
const AT_ONCE = 2;

const failed = [];
const waiting = [...CHECKS];
await Promise.all(Array.from({ length: AT_ONCE }, worker));

console.log(
  failed.length === 0
    ? `\nAll ${CHECKS.length} checks passed.`
    : `\n${failed.length} of ${CHECKS.length} checks failed: ${failed.join(', ')}.`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function worker() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const started = performance.now();
    const { code, output } = await run(check);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (code === 0) {
      console.log(`✓ ${check} (${seconds} s)`);
      continue;
    }
    failed.push(check);
    console.log(`\n✗ ${check} (${seconds} s), alone: npm run ${check}\n${output.trimEnd()}\n`);
  }
}

/** Output is kept until the end, so that two checks do not write into each other. */
function run(check) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', check], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
