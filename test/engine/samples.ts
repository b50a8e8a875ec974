import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ProjectOptions } from './harness.js';

/* Deployments for tests, which need nothing but the stand-ins. */

/** A program that declares nothing. */
export const EMPTY = join(__dirname, 'programs/empty');

const OPERATOR = join(__dirname, 'programs/operator.yaml');
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const image = (name: string): string => `example.test/${name}@${DIGEST}`;

const experimentOf = (phase: number): Record<string, unknown> => {
  const file = resolve(__dirname, `../../Pulumi.phase${phase}.yaml`);
  const { config } = parse(readFileSync(file, 'utf8')) as { config: Record<string, Record<string, unknown>> };
  return config['agent-experiment:experiment'] ?? {};
};

/** Nothing here asks a registry or a web server: images by digest, the operator's manifest as a file. */
export const deployment = {
  project: 'test-project',
  labels: { owner: 'tests', 'cost-center': 'none' },
  image: { reference: image('agent-experiment') },
  stores: {
    redis: { image: image('redis') },
    postgres: {
      image: image('postgres:15.13'),
      operator: {
        manifest: OPERATOR,
        sha256: createHash('sha256').update(readFileSync(OPERATOR)).digest('hex'),
        image: image('operator'),
      },
    },
    influxdb: { image: image('influxdb') },
    elasticsearch: { image: image('elasticsearch') },
  },
};

/** The same on a cluster that is there, once somebody says where: a test's `kubeconfig`. */
export const existing = { ...deployment, platform: 'existing', project: undefined };

/** The stack of a phase, with the repository's own config but for what is given. */
export function optionsOf(
  phase: number,
  where: Record<string, unknown>,
  experiment: Record<string, unknown> = {},
): ProjectOptions {
  return {
    stack: `phase${phase}`,
    config: {
      'agent-experiment:experiment': { ...experimentOf(phase), ...experiment },
      'agent-experiment:deployment': where,
    },
  };
}

/** The stack of a phase on GKE. */
export const phaseOnGke = (phase: number): ProjectOptions => optionsOf(phase, deployment);
