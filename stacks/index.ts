import { homedir } from 'node:os';
import { Config, getStack, runtime, RunError } from '@pulumi/pulumi';
import { ExperimentError } from '../runtime/kernel/errors.js';
import { RealClock } from '../runtime/kernel/real-clock.js';
import { compose } from './compose.js';
import { firstDeployed, FIRST_DEPLOYED } from './first-deployed.js';
import { prepare } from './prepare.js';
import { connectByHttp } from './reachable.js';
import { projectFolder } from './whole-paths.js';
import type { ArchiveCredentials } from '../infra/archive.js';

/*
 * The Pulumi program: one experiment per stack. It reads the stack's config, fetches what the declaration needs to
 * name exactly, declares it, and tells how to use it. Every fault of the config is told before a resource is touched.
 */
module.exports = async (): Promise<Record<string, unknown>> => {
  try {
    return await declare(getStack());
  } catch (error) {
    // Told without a stack trace: what is wrong is not in the program.
    if (error instanceof ExperimentError) throw new RunError(error.message);
    throw error;
  }
};

async function declare(stack: string): Promise<Record<string, unknown>> {
  const clock = new RealClock();
  const places = { project: projectFolder(process.cwd()), home: homedir() };
  const outside = { fetch, clock, connect: connectByHttp, env: process.env, ...places };
  const { settings, bill, images, operatorManifest, kubeconfig } = await prepare(runtime.allConfig(), stack, outside);
  const { experiment, deployment } = settings;
  const since = await firstDeployed(new Date(clock.now()));
  const config = new Config();
  const deployed = compose(settings, {
    images,
    operatorManifest,
    kubeconfig,
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
}
