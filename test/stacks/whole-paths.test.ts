import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder, wholePath } from '../../stacks/whole-paths.js';

const places = { project: '/experiments', home: '/home/sre' };

describe('a path of a stack’s config', () => {
  it.each([
    ['lab.yaml', '/experiments/lab.yaml'],
    ['./lab/../other.yaml', '/experiments/other.yaml'],
    ['~/.kube/config', '/home/sre/.kube/config'],
    ['/etc/kubeconfig', '/etc/kubeconfig'],
    ['https://operators.example/cnpg.yaml', 'https://operators.example/cnpg.yaml'],
    [null, null],
  ])('%s is %s: relative to the file it is written in', (written, meant) => {
    expect(wholePath(written, places)).toBe(meant);
  });
});

describe('the project’s folder', () => {
  it('is the nearest one above the program that has a Pulumi.yaml', () => {
    const folder = mkdtempSync(join(tmpdir(), 'project-'));
    try {
      const program = join(folder, 'stacks', 'deep');
      mkdirSync(program, { recursive: true });
      expect(projectFolder(program)).toBe(program);
      writeFileSync(join(folder, 'Pulumi.yaml'), '');
      expect(projectFolder(program)).toBe(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
