import { Config, getStack, runtime } from '@pulumi/pulumi';
import { RealClock } from '../runtime/kernel/real-clock.js';
import { billOf } from './bill.js';
import { compose } from './compose.js';
import { firstDeployed, FIRST_DEPLOYED } from './first-deployed.js';
import { withDigest } from './image-digests.js';
import { readManifest } from './operator-manifest.js';
import { readSettings } from './settings.js';
import type { ArchiveCredentials } from '../infra/archive.js';

/*
 * The Pulumi program: one experiment per stack. It reads the stack's config, fetches what the declaration needs to
 * name exactly, declares it, and tells how to use it. Every fault of the config is told before a resource is touched.
 */
module.exports = async (): Promise<Record<string, unknown>> => {
  const stack = getStack();
  const settings = readSettings(runtime.allConfig(), stack);
  const { experiment, deployment } = settings;
  const bill = billOf(experiment, deployment);
  const { redis, postgres, influxdb, elasticsearch } = deployment.stores;
  const [redisImage, postgresImage, operatorImage, influxdbImage, elasticsearchImage, operatorManifest, since] =
    await Promise.all([
      withDigest(redis.image),
      withDigest(postgres.image),
      withDigest(postgres.operator.image),
      withDigest(influxdb.image),
      withDigest(elasticsearch.image),
      readManifest(postgres.operator.manifest, postgres.operator.sha256),
      firstDeployed(new Date(new RealClock().now())),
    ]);
  const config = new Config();
  const deployed = compose(settings, {
    images: {
      redis: redisImage,
      postgres: postgresImage,
      postgresOperator: operatorImage,
      influxdb: influxdbImage,
      elasticsearch: elasticsearchImage,
    },
    operatorManifest,
    firstDeployedAt: since,
    archiveCredentials: config.getSecretObject<ArchiveCredentials>('archiveCredentials') ?? null,
    controlToken: config.getSecret('controlToken') ?? null,
  });
  return {
    ...deployed,
    [FIRST_DEPLOYED]: since.toISOString(),
    dashboard: `kubectl -n ${deployment.namespace} port-forward service/miyabi-monitor 8081 # then http://localhost:8081`,
    commands: {
      start: `./experiment.sh start --phase ${experiment.phase} --target cluster`,
      watch: './experiment.sh watch',
      stop: './experiment.sh stop',
      emergencyStop: './experiment.sh emergency-stop',
      destroy: `pulumi destroy --stack ${stack}`,
    },
    bill,
  };
};
