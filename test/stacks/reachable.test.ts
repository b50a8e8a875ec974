import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { Random } from '../../runtime/kernel/random.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { checkReachable, connectByHttp, type Connect, type Reach } from '../../stacks/reachable.js';
import { closedAddress, fileWith, kubeconfigFor, strictServer } from './kubeconfigs.js';

async function faultOf(address: string, reach: Partial<Reach> = {}): Promise<Problem | null> {
  const cluster = { kubeconfig: fileWith(kubeconfigFor(address)), context: null };
  try {
    await checkReachable(cluster, { connect: connectByHttp, clock: new RealClock(), env: {}, home: '/', ...reach });
    return null;
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems[0] ?? null;
    throw error;
  }
}

describe('an existing cluster', () => {
  test('is there when its API server answers, if only that it knows nobody', async () => {
    const server = await strictServer();
    await expect(faultOf(server.address)).resolves.toBeNull();
    await expect(faultOf(`${server.address}/k8s/clusters/c-1/`)).resolves.toBeNull();
    await server.close();
  });

  test('is not there when nobody listens, with the address, the reason and what to do', async () => {
    const address = await closedAddress();
    const fault = await faultOf(address);
    expect(fault?.path).toBe('deployment.kubeconfig');
    expect(fault?.message).toContain(`${address}/, cannot be reached: connect ECONNREFUSED`);
    expect(fault?.hint).toMatch(/kubectl --context test version.*is the cluster running/);
  });

  test('is not there when what answers speaks no TLS, or its name is unknown', async () => {
    const server = await strictServer();
    const plain = await faultOf(server.address.replace('http:', 'https:'));
    expect(plain?.hint).toMatch(/certificate/);
    await server.close();
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND x.test'), { code: 'ENOTFOUND' });
    const nameless = await faultOf('https://x.test', { connect: () => Promise.reject(unknown) });
    expect(nameless).toMatchObject({
      message: expect.stringMatching(/ENOTFOUND x.test/),
      hint: expect.stringMatching(/DNS/),
    });
  });

  test('is not waited for longer than 10 s, and then no more listened to', async () => {
    const clock = new VirtualClock(0, new Random(1, 'ties'));
    let heard: AbortSignal | null = null;
    const found = clock.deferred<null>();
    const connect: Connect = (_, signal) => {
      heard = signal;
      found.resolve(null);
      return new Promise(() => {});
    };
    const fault = faultOf('https://x.test', { connect, clock });
    // Reading the kubeconfig takes real time.
    await found.promise;
    await clock.run();
    expect(clock.now()).toBe(10_000);
    expect((await fault)?.message).toMatch(/https:\/\/x\.test\/: no answer within 10 s/);
    expect(heard!.aborted).toBe(true);
  });

  test('behind a proxy is not asked: its clients know how', async () => {
    const unreached = { connect: () => Promise.reject(new Error('not reached')) };
    const proxied = (address: string, env: Record<string, string>) => faultOf(address, { ...unreached, env });
    const proxy = 'http://proxy.test:3128';
    await expect(proxied('https://x.test', { HTTPS_PROXY: proxy })).resolves.toBeNull();
    await expect(proxied('https://x.test', { https_proxy: proxy, NO_PROXY: 'y.test' })).resolves.toBeNull();
    for (const [address, env] of [
      ['https://x.test', {}],
      ['https://x.test', { HTTP_PROXY: proxy }],
      ['https://a.x.test', { HTTPS_PROXY: proxy, NO_PROXY: 'y.test, .x.test' }],
      ['https://x.test', { HTTPS_PROXY: proxy, no_proxy: '*' }],
      ['http://127.0.0.1:1', { HTTP_PROXY: proxy }],
    ] as const)
      expect((await proxied(address, env))?.message).toMatch(/not reached/);
  });
});
