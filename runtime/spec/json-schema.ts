import { z } from 'zod';
import { DEFAULTS } from './defaults.js';
import { DEPLOYMENT_KEY } from './deployment/compile.js';
import { DEPLOYMENT_DEFAULTS } from './deployment/defaults.js';
import { deploymentOptions } from './deployment/schema.js';
import { EXPERIMENT_KEY } from './read-yaml.js';
import { experimentOptions } from './schema.js';

type JsonObject = Record<string, unknown>;

/**
 * The JSON Schema (2020-12) of a stack file: editors complete and check `Pulumi.<stack>.yaml` with it. Made from the
 * zod schema and from the defaults; what needs more than one key to be checked is left to the program.
 */
export function stackFileSchema(): JsonObject {
  const { $schema, $defs, ...experiment } = z.toJSONSchema(experimentOptions, {
    io: 'input',
    reused: 'inline',
  }) as JsonObject;
  addDefaults(experiment, DEFAULTS);
  const deployment = bare(z.toJSONSchema(deploymentOptions, { io: 'input', reused: 'inline' }));
  addDefaults(deployment, DEPLOYMENT_DEFAULTS);
  return {
    $schema,
    title: 'Stack file of agent-experiment',
    description: 'Made by `npm run schema` from runtime/spec/schema.ts. Do not edit.',
    type: 'object',
    required: ['config'],
    properties: {
      config: {
        type: 'object',
        description: 'Configuration of the stack.',
        required: [EXPERIMENT_KEY],
        properties: {
          [DEPLOYMENT_KEY]: {
            description: 'Where the experiment is deployed, and on what.',
            ...deployment,
          },
          [EXPERIMENT_KEY]: {
            description: 'The experiment. What is not written comes from the phase, then from the defaults.',
            ...experiment,
          },
        },
      },
    },
    $defs,
  };
}

/** Without what belongs to the top of a schema only. */
function bare({ $schema: _, ...schema }: JsonObject): JsonObject {
  return schema;
}

/** Notes each default beside its key, as people write it. */
function addDefaults(schema: JsonObject, defaults: object): void {
  const properties = schema['properties'];
  if (!isObject(properties)) return;
  for (const [key, value] of Object.entries(defaults) as [string, unknown][]) {
    const property = properties[key];
    if (!isObject(property)) continue;
    if (isObject(value) && isObject(property['properties'])) addDefaults(property, value);
    else property['default'] = value;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
