import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { LinkProbe } from '../../runtime/chaos/adapters/link-probe.js';
import { ToxiproxyClient } from '../../runtime/chaos/adapters/toxiproxy-client.js';
import { ToxiproxyLinks } from '../../runtime/chaos/adapters/toxiproxy-links.js';
import { openToxiproxy, type Toxiproxy } from '../../runtime/chaos/adapters/toxiproxy-server.js';
import { EffectLeases } from '../../runtime/chaos/effect-leases.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { engineEnvironment } from './harness/engines.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';

const clock = new RealClock();
const PASSWORD = 'open-sesame';
const fail = (error: unknown): never => {
  throw error;
};
const nothing = (): void => undefined;

describe('links through a real toxiproxy', () => {
  let redis: SingleRedis;
  let toxiproxy: Toxiproxy;
  let links: ToxiproxyLinks;
  let probe: LinkProbe;

  const open = (owner: string): Promise<ToxiproxyLinks> =>
    ToxiproxyLinks.open({
      ...{ client: toxiproxy.client, owner, clock, zones: ['A', 'B'] },
      nodes: [{ host: '127.0.0.1', port: redis.server.port }],
    });
  const toxics = async (): Promise<string[]> => {
    const proxies = await toxiproxy.client.proxies();
    return proxies.flatMap((proxy) => proxy.toxics.map(({ name }) => `${proxy.name} ${name}`)).sort();
  };

  beforeAll(async () => {
    redis = await startSingleRedis({ password: PASSWORD });
    toxiproxy = await openToxiproxy({ url: null, environment: engineEnvironment(), clock, onError: fail });
  });

  beforeEach(async () => {
    links = await open('one');
    const access = {
      ...{ nodes: [{ host: '127.0.0.1', port: redis.server.port }], cluster: false },
      ...{ username: null, password: PASSWORD, tls: false },
    };
    probe = new LinkProbe(clock, links.zones, access, 1_500);
  });

  afterEach(async () => {
    await links.close();
  });

  afterAll(async () => {
    await toxiproxy?.close();
    await redis?.dispose();
  });

  test('take as much longer as was asked for in each direction, and no longer once it is over', async () => {
    expect(await probe.roundTripMs()).toBeLessThan(100);
    await links.setDelay(120);
    expect(await probe.roundTripMs()).toBeGreaterThanOrEqual(239);
    // Renewed, and changed.
    await links.setDelay(120);
    await links.setDelay(60);
    const changed = await probe.roundTripMs();
    expect(changed).toBeGreaterThanOrEqual(119);
    expect(changed).toBeLessThan(239);
    await links.setDelay(0);
    expect(await probe.roundTripMs()).toBeLessThan(100);
    expect(await toxics()).toEqual([]);
  });

  test('cut one zone off and leave the other alone', async () => {
    const agents = [{ zone: 'A' }, { zone: 'A' }, { zone: 'B' }, { zone: 'Z' }];
    await links.setReachable('A', false);
    expect(await probe.cutOffShare(agents)).toBeCloseTo(2 / 3);
    expect(await probe.cutOffShare([{ zone: 'A' }])).toBe(1);
    expect(await probe.cutOffShare([{ zone: 'Z' }])).toBeNull();
    await links.setReachable('A', true);
    expect(await probe.cutOffShare(agents)).toBe(0);
  });

  test('are given back whole when a lease runs out that nobody renews', async () => {
    const switches = {
      setLinkDelay: (latencyMs: number) => links.setDelay(latencyMs),
      setReachable: (zone: string, reachable: boolean) => links.setReachable(zone, reachable),
      ...{ slow: nothing, setZone: nothing, setRateLimit: nothing, freeze: nothing },
    };
    const leases = new EffectLeases(clock, switches, fail);
    const expiresAtMs = clock.now() + 700;
    await leases.apply({ kind: 'link_delay', latencyMs: 100 }, { faultId: 'f1', expiresAtMs });
    await leases.apply({ kind: 'partition', zones: ['B'] }, { faultId: 'f2', expiresAtMs });
    expect(await toxics()).toHaveLength(6);
    await until('the toxics are gone', 5_000, async () => (await toxics()).length === 0);
    expect(clock.now()).toBeGreaterThanOrEqual(expiresAtMs);
  });

  test('of an owner that is gone are cleared when it opens again, and those of others are left alone', async () => {
    const other = await open('other');
    await links.setDelay(50);
    await other.setDelay(50);
    const again = await open('one');
    expect(await toxics()).toEqual([
      ...['ae_other_0_0 delay_downstream', 'ae_other_0_0 delay_upstream'],
      ...['ae_other_1_0 delay_downstream', 'ae_other_1_0 delay_upstream'],
    ]);
    expect(again.link('B').addresses).toHaveLength(1);
    await other.close();
  });

  test('that somebody has taken away are missed', async () => {
    await toxiproxy.client.remove('ae_one_0_0');
    await expect(links.setDelay(10)).rejects.toThrow('toxiproxy has 1 of the 2 proxies of one');
  });
});

describe('the toxiproxy of a run', () => {
  test('ends with whoever started it, kill -9 included', async () => {
    const script = `
      const { openToxiproxy } = require('./runtime/chaos/adapters/toxiproxy-server.ts');
      const { RealClock } = require('./runtime/kernel/real-clock.ts');
      openToxiproxy({ url: null, environment: process.env, clock: new RealClock(), onError: console.error })
        .then(({ client }) => console.log(client.url));
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '-e', script], {
      env: engineEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const client = new ToxiproxyClient(url, clock);
    expect(await client.version()).toMatch(/^\d+\.\d+\.\d+/);
    owner.kill('SIGKILL');
    await until('it does not answer any more', 5_000, () =>
      client.version().then(
        () => false,
        () => true,
      ),
    );
  });

  test('is told of when it is missing, or does not answer', async () => {
    const opened = (url: string | null) =>
      openToxiproxy({ url, environment: { PATH: '/nonexistent' }, clock, onError: fail });
    await expect(opened(null)).rejects.toThrow(ExperimentError);
    await expect(opened(null)).rejects.toThrow(/no executable toxiproxy-server was found[^]*--toxiproxy http/);
    await expect(opened('http://127.0.0.1:9')).rejects.toThrow(/does not answer[^]*127\.0\.0\.1:9/);
  });
});
