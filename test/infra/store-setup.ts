import { readFileSync } from 'node:fs';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import type { Deployment } from '../../runtime/spec/deployment/deployment.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';

const image = (name: string): string => `registry.test/${name}@sha256:${'0'.repeat(64)}`;

export const IMAGES = {
  runtime: image('runtime'),
  redis: image('redis:7.2.7'),
  postgres: image('postgresql:15.13'),
  postgresOperator: image('cloudnative-pg:1.26.0'),
  influxdb: image('influxdb:2.7.12'),
  elasticsearch: image('elasticsearch:8.17.0'),
};

/** The default deployment of phase 3, with what is written here on top. */
export function deployment(written: object = {}): Deployment {
  const experiment = loadExperiment(readFileSync('Pulumi.phase3.yaml', 'utf8'), 'Pulumi.phase3.yaml');
  return compileDeployment({ project: 'test-project', ...written }, experiment);
}

export const ON_EXISTING = { platform: 'existing', project: undefined, image: { reference: IMAGES.runtime } };

/** What every store's constructor takes. */
export function storeArgs(written: object = {}) {
  return { deployment: deployment(written), images: IMAGES, namespace: 'miyabi-experiment' };
}
