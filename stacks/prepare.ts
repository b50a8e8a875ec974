import { ExperimentError, type Problem } from '../runtime/kernel/errors.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Asking } from './asking.js';
import { rehearsedCurve } from '../runtime/record/rehearsed-curve.js';
import { billOf, type Bill } from './bill.js';
import type { Fetched } from './compose.js';
import { withDigest } from './image-digests.js';
import { readManifest } from './operator-manifest.js';
import { checkReachable, type Reach } from './reachable.js';
import { examineSettings, refusal, type Settings } from './settings.js';
import { wholePath, type Places } from './whole-paths.js';

/** Everything that has to be known of a stack before anything is declared. */
export interface Prepared extends Pick<Fetched, 'images' | 'operatorManifest' | 'kubeconfig'> {
  readonly settings: Settings;
  readonly bill: Bill;
}

/**
 * Reads the stack's config and asks whoever has to be asked: registries for digests, a server for the operator's
 * manifest, an existing cluster whether it is there. What can be asked is asked although something else is wrong.
 *
 * @throws ExperimentError CONFIG_INVALID with everything that is wrong, in the config and outside.
 */
export async function prepare(
  config: Readonly<Record<string, string>>,
  stack: string,
  outside: Asking & Reach & Places,
): Promise<Prepared> {
  const { settings, deployment, cluster, problems } = examineSettings(config, stack);
  const kubeconfig = wholePath(cluster?.kubeconfig ?? null, outside);
  const digest = (path: string, imageOf: (stores: Deployment['stores']) => string): Promise<Answer<string | null>> =>
    answerOf(
      () =>
        deployment &&
        withDigest({ path: `deployment.stores.${path}.image`, reference: imageOf(deployment.stores) }, outside),
    );
  const answers = await Promise.all([
    answerOf(async () => {
      if (settings === null) return null;
      const rehearsed = await rehearsedCurve(settings.experiment, outside.project);
      return billOf(settings.experiment, settings.deployment, rehearsed);
    }),
    answerOf(() => {
      const operator = deployment?.stores.postgres.operator;
      if (operator === undefined) return null;
      return readManifest({ ...operator, manifest: wholePath(operator.manifest, outside) }, outside);
    }),
    digest('redis', ({ redis }) => redis.image),
    digest('postgres', ({ postgres }) => postgres.image),
    digest('postgres.operator', ({ postgres }) => postgres.operator.image),
    digest('influxdb', ({ influxdb }) => influxdb.image),
    digest('elasticsearch', ({ elasticsearch }) => elasticsearch.image),
    answerOf(() => cluster && checkReachable({ ...cluster, kubeconfig }, outside)),
  ]);
  const faults = [...problems, ...answers.flatMap((answer) => answer.problems)];
  if (settings === null || faults.length > 0) throw refusal(stack, faults);
  const [bill, operatorManifest, redis, postgres, postgresOperator, influxdb, elasticsearch] = answers;
  return {
    settings,
    kubeconfig,
    bill: given(bill),
    operatorManifest: given(operatorManifest),
    images: {
      redis: given(redis),
      postgres: given(postgres),
      postgresOperator: given(postgresOperator),
      influxdb: given(influxdb),
      elasticsearch: given(elasticsearch),
    },
  };
}

/** A value, or why there is none; neither where there was nothing to ask about. */
interface Answer<T> {
  readonly value: T | null;
  readonly problems: readonly Problem[];
}

/** Runs a step to its end, so that the others' faults are told, too. @throws whatever is no fault of the input. */
async function answerOf<T>(step: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await step(), problems: [] };
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    const { problems, headline } = error;
    return { value: null, problems: problems.length > 0 ? problems : [{ path: '(stack)', message: headline }] };
  }
}

function given<T>({ value }: Answer<T | null>): T {
  if (value === null) throw new Error('a step without a fault has an answer');
  return value;
}
