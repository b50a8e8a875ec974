import { closedAddress, fileWith, kubeconfigFor } from '../stacks/kubeconfigs.js';
import { EngineProject } from './harness.js';
import type { Outcome } from './outcome.js';
import { deployment, existing, optionsOf } from './samples.js';

let project: EngineProject | undefined;

afterEach(() => {
  project?.dispose();
  project = undefined;
});

/** What a person reads at the end: the one diagnostic of the program, without anything of its insides. */
function messageOf({ stdout, stderr }: Outcome): string {
  const said = stdout + stderr;
  expect(said).not.toMatch(/^\s+at .*:\d+/m);
  expect(said).not.toMatch(/unhandled|ExperimentError|RunError/);
  const diagnostics = said.slice(said.indexOf('\nDiagnostics:'), said.indexOf('\nResources:'));
  expect(diagnostics.match(/error:/g)).toHaveLength(1);
  return diagnostics.slice(diagnostics.indexOf('error:'));
}

describe('an up with bad input', () => {
  it('is refused with all that is wrong in one message, and touches nothing', async () => {
    const { project: _, ...homeless } = deployment;
    const experiment = { budget: { max: '-$5' }, flet: { slots: 4 } };
    const where = { ...homeless, pools: { coordinator: { machineType: 'n2-standard-9' } } };
    project = await EngineProject.create(optionsOf(1, where, experiment));
    const outcome = await project.up();
    expect(outcome.code).not.toBe(0);
    const message = messageOf(outcome);
    expect(message).toMatch(/Pulumi\.phase1\.yaml: 4 problems; nothing was touched/);
    for (const fault of [
      /experiment\.flet: unknown key.*\n.*did you mean "fleet"/,
      /experiment\.budget\.max: .*\(got "-\$5"\)/,
      /deployment\.project: is missing/,
      /deployment\.pools\.coordinator\.machineType: has no price.*\(got n2-standard-9\)/,
    ])
      expect(message).toMatch(fault);
    expect(project.cloud.log()).toEqual([]);
  });

  it('is refused when the cluster it is for cannot be reached', async () => {
    const address = await closedAddress();
    const kubeconfig = fileWith(kubeconfigFor(address));
    project = await EngineProject.create(optionsOf(1, { ...existing, kubeconfig }));
    const outcome = await project.up();
    expect(outcome.code).not.toBe(0);
    const message = messageOf(outcome);
    expect(message).toMatch(/Pulumi\.phase1\.yaml: 1 problem; nothing was touched/);
    expect(message).toContain(`${address}/, cannot be reached: connect ECONNREFUSED`);
    expect(message).toContain(kubeconfig);
    expect(project.cloud.log()).toEqual([]);
  });
});
