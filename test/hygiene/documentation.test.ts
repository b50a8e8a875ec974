import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { PROJECT } from './tree.js';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/deploy.md', 'docs/runbook.md'];

/** Folders a document may announce before they exist; it must say that they are to come. */
const ANNOUNCED: readonly string[] = [];

const PATH_START = /^(\.ci|docs|runtime|schema|stacks|infra|policies|test)\//;

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(join(PROJECT, document), 'utf8');
  const missing = (paths: readonly string[]): string[] => paths.filter((path) => !existsSync(join(PROJECT, path)));

  test('links only to what is there', () => {
    const targets = matches(text, /\]\(([^)#\s]+)[^)]*\)/g).filter((target) => !/^[a-z]+:/.test(target));
    expect(missing(targets.map((target) => normalize(join(dirname(document), target))))).toEqual([]);
  });

  test('names only files and folders that are there', () => {
    const named = matches(text, /`([^`\s]+)`/g).filter((name) => PATH_START.test(name) && !ANNOUNCED.includes(name));
    expect(missing(named)).toEqual([]);
  });

  test('names only npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { scripts: object };
    const named = matches(text, /npm run ([\w:]+)/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? '');
}
