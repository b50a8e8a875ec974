import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Runs a script in a process that begins as the program does; what it prints. */
function told(script: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', `require('./stacks/lean.cjs');${script}`], {
    encoding: 'utf8',
    cwd: resolve(__dirname, '../..'),
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const LOADED = `Object.keys(require.cache).filter((file) => /typescript.lib|@npmcli.arborist/.test(file)).length`;

describe('the SDK of a lean program', () => {
  it('comes without compiler and dependency solver', () => {
    expect(told(`require('@pulumi/pulumi'); console.log(${LOADED});`)).toBe('0\n');
  });

  it('loads them when a function is serialised, which works as ever', () => {
    const script = `
      const { runtime } = require('@pulumi/pulumi');
      runtime.serializeFunction(() => 40 + 2).then(({ text }) => console.log(/40 \\+ 2/.test(text), ${LOADED} > 0));`;
    expect(told(script)).toBe('true true\n');
  });

  it('leaves the same packages alone where others ask for them', () => {
    expect(told(`console.log(typeof require('typescript').version, ${LOADED} > 0);`)).toBe('string true\n');
  });
});
