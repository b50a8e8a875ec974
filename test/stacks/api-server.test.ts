import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { findApiServer, type ApiServer, type ExistingCluster } from '../../stacks/api-server.js';
import { fileWith, kubeconfigFor } from './kubeconfigs.js';

const NOWHERE = '/nonexistent';

const find = (
  cluster: Partial<ExistingCluster>,
  env: Record<string, string> = {},
  home = NOWHERE,
): Promise<ApiServer | null> => findApiServer({ kubeconfig: null, context: null, ...cluster }, { env, home });

async function faultOf(found: Promise<unknown>): Promise<Problem> {
  const error = await found.catch((one: unknown) => one);
  if (!(error instanceof ExperimentError)) throw new Error('was not refused');
  expect(error.problems).toHaveLength(1);
  return error.problems[0]!;
}

const east = fileWith(kubeconfigFor('https://east.test:6443', 'east'));
const west = fileWith(kubeconfigFor('https://west.test/k8s/clusters/c-1', 'west'));

describe('the API server of an existing cluster', () => {
  test('is that of the current context of the kubeconfig that is named', async () => {
    await expect(find({ kubeconfig: east }, { KUBECONFIG: west })).resolves.toMatchObject({
      context: 'east',
      file: east,
      address: new URL('https://east.test:6443'),
    });
    await expect(find({ kubeconfig: '~/config' }, {}, dirname(east))).resolves.toMatchObject({ file: east });
  });

  test('is looked for in $KUBECONFIG, else in the home folder, as kubectl does', async () => {
    const both = { KUBECONFIG: `${west}:${join(NOWHERE, 'gone')}:${east}` };
    await expect(find({}, both)).resolves.toMatchObject({ context: 'west', file: west });
    await expect(find({ context: 'east' }, both)).resolves.toMatchObject({ context: 'east', file: east });
    await expect(find({ context: 'east' }, { KUBECONFIG: '' })).rejects.toThrow(/nonexistent\/\.kube\/config/);
  });

  test('is the one a pod runs in when there is no kubeconfig', async () => {
    await expect(find({}, { KUBERNETES_SERVICE_HOST: '10.0.0.1' })).resolves.toBeNull();
  });

  test('comes with its certificates, whose paths are seen from the kubeconfig', async () => {
    const authority = fileWith('PEM', 'ca.crt');
    const data = Buffer.from('PEM of data').toString('base64');
    const byFile = fileWith(kubeconfigFor('https://x.test', 'x', { 'certificate-authority': authority }));
    const byData = fileWith(
      kubeconfigFor('https://x.test', 'x', { 'certificate-authority-data': data, 'tls-server-name': 'inner.test' }),
    );
    await expect(find({ kubeconfig: byFile })).resolves.toMatchObject({ tls: { ca: Buffer.from('PEM') } });
    await expect(find({ kubeconfig: byData })).resolves.toMatchObject({
      tls: { ca: Buffer.from('PEM of data'), servername: 'inner.test', rejectUnauthorized: true },
    });
    const gone = fileWith(kubeconfigFor('https://x.test', 'x', { 'certificate-authority': 'ca.crt' }));
    const fault = await faultOf(find({ kubeconfig: gone }));
    expect(fault.message).toContain(join(dirname(gone), 'ca.crt'));
  });

  test('is not found where the file is missing, or no kubeconfig, with its path and what to do', async () => {
    const missing = { path: 'deployment.kubeconfig', value: join(NOWHERE, 'x'), message: 'there is no such file' };
    await expect(faultOf(find({ kubeconfig: join(NOWHERE, 'x') }))).resolves.toMatchObject(missing);
    await expect(faultOf(find({ kubeconfig: NOWHERE.slice(0, 1) }))).resolves.toMatchObject({
      message: expect.stringMatching(/cannot be read: EISDIR/),
      hint: expect.stringContaining('whole path of a kubeconfig'),
    });
    const broken = [
      ['users: [\n  - name: {', /is no YAML: see its line 2/],
      ['secret-token', /is no kubeconfig: it must be a block of keys/],
      [stringify({ users: 'secret-token' }), /is no kubeconfig: users is wrong/],
    ] as const;
    for (const [text, message] of broken) {
      const fault = await faultOf(find({ kubeconfig: fileWith(text) }));
      expect(fault).toMatchObject({ path: 'deployment.kubeconfig', message: expect.stringMatching(message) });
      expect(JSON.stringify(fault)).not.toContain('secret-token');
    }
  });

  test('is not looked for in contents that are given instead of a path, nor are these shown', async () => {
    const fault = await faultOf(find({ kubeconfig: kubeconfigFor('https://secret.test') }));
    expect(fault.message).toMatch(/must be the path/);
    expect(JSON.stringify(fault)).not.toContain('secret.test');
  });

  test('needs a context that is there, and is told which are', async () => {
    await expect(faultOf(find({ kubeconfig: east, context: 'eats' }))).resolves.toEqual({
      path: 'deployment.context',
      value: 'eats',
      message: `is not in ${east}; allowed here: east`,
      hint: 'did you mean "east"?',
    });
    const none = await faultOf(find({ kubeconfig: fileWith('kind: Config') }));
    expect(none).toMatchObject({ path: 'deployment.context', hint: expect.stringContaining('use-context') });
    const stale = fileWith(stringify({ 'current-context': 'gone', contexts: [] }));
    expect((await faultOf(find({ kubeconfig: stale }))).message).toMatch(/current-context.*it has none/);
  });

  test('needs a cluster with an https address', async () => {
    const contexts = [{ name: 'a', context: { cluster: 'b' } }];
    const clusterless = fileWith(stringify({ 'current-context': 'a', contexts }));
    expect((await faultOf(find({ kubeconfig: clusterless }))).message).toMatch(/lacks the cluster b/);
    const serverless = fileWith(
      stringify({ 'current-context': 'a', contexts, clusters: [{ name: 'b', cluster: {} }] }),
    );
    expect((await faultOf(find({ kubeconfig: serverless }))).message).toMatch(/lacks the address/);
    expect((await faultOf(find({ kubeconfig: fileWith(kubeconfigFor('localhost:8080')) }))).message).toMatch(
      /no https/,
    );
  });
});
