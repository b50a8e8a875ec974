import { NetworkRules } from '../../infra/network-rules.js';
import { recordResources, resourcesOf, settled } from './mocks.js';
import { named, roleContext } from './runtime-context.js';

interface Peer {
  readonly podSelector?: { readonly matchLabels: Record<string, string> };
  readonly ipBlock?: { readonly cidr: string };
}
interface Line {
  readonly to?: Peer[];
  readonly from?: Peer[];
  readonly ports: { readonly port: number }[];
}

const POLICY = 'kubernetes:networking.k8s.io/v1:NetworkPolicy';

/** `redis:6379` */
function lines(rules: readonly Line[]): string[] {
  return rules
    .flatMap(({ to, from, ports }) =>
      (to ?? from ?? [{}]).flatMap(({ podSelector, ipBlock }: Peer) => {
        const labels = podSelector?.matchLabels ?? {};
        const who =
          labels['app.kubernetes.io/component'] ??
          labels['app.kubernetes.io/name'] ??
          (podSelector ? 'all' : ipBlock?.cidr);
        return ports.map(({ port }) => `${who ?? 'anywhere'}:${port}`);
      }),
    )
    .sort();
}

async function traffic(name: string, direction: 'ingress' | 'egress', options: object = {}): Promise<string[]> {
  recordResources();
  new NetworkRules('network', roleContext(1, options));
  await settled();
  return lines(named(POLICY, name).inputs.spec[direction]);
}

const KUBERNETES = ['anywhere:443', 'anywhere:6443'];

/** Whom each may call. */
const CALLS = {
  'miyabi-agent': ['redis:6379'],
  'miyabi-coordinator': [...KUBERNETES, 'postgres:5432', 'redis:6379'],
  'miyabi-autoscaler': [...KUBERNETES, 'influxdb:8086', 'redis:6379'],
  'miyabi-chaos': [...KUBERNETES, 'redis:6379'],
  'miyabi-monitor': [
    'all:9090',
    ...KUBERNETES,
    'coordinator:8081',
    'elasticsearch:9200',
    'influxdb:8086',
    'postgres:5432',
    'redis:6379',
  ],
  'load-generator': [...KUBERNETES, 'redis:6379'],
  'experiment-phase1': [...KUBERNETES, 'coordinator:8081'],
  'experiment-deadline': KUBERNETES,
  'miyabi-archiver': ['0.0.0.0/0:443', 'elasticsearch:9200', 'influxdb:8086', 'postgres:5432'],
};

describe('network rules', () => {
  test.each(Object.entries(CALLS))('let %s call what it needs and nothing more', async (name, expected) => {
    expect(await traffic(name, 'egress')).toEqual([...expected].sort());
  });

  test('let nobody call an agent but the monitor, for its metrics', async () => {
    expect(await traffic('miyabi-agent', 'ingress')).toEqual(['monitor:9090']);
  });

  test('let the monitor and the weekly runner command', async () => {
    expect(await traffic('miyabi-coordinator', 'ingress')).toEqual([
      'experiment-runner:8081',
      'monitor:8081',
      'monitor:9090',
    ]);
    expect(await traffic('miyabi-monitor', 'ingress')).toEqual([]);
  });

  test('let the monitor’s sign of life and an archive elsewhere out at their own ports', async () => {
    expect(await traffic('miyabi-monitor', 'egress', { heartbeatUrl: 'https://alive.test:8443/x' })).toContain(
      '0.0.0.0/0:8443',
    );
    const archive = { provider: 's3-compatible', bucket: 'archive', endpoint: 'http://s3.test:7070' };
    expect(await traffic('miyabi-archiver', 'egress', { archive })).toContain('0.0.0.0/0:7070');
  });

  test('let agents out to the ranges that are named, and never to the machine’s credentials', async () => {
    const agentEgress = [
      { cidr: '203.0.113.0/24', ports: [443] },
      { cidr: '0.0.0.0/0', ports: [8443] },
    ];
    const before = await traffic('miyabi-agent', 'egress');
    expect(await traffic('miyabi-agent', 'egress', { agentEgress })).toEqual(
      [...before, '0.0.0.0/0:8443', '203.0.113.0/24:443'].sort(),
    );
    const rules = named(POLICY, 'miyabi-agent').inputs.spec.egress as Line[];
    const except = rules.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock] : [])));
    expect(except).toEqual([{ cidr: '203.0.113.0/24' }, { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] }]);
    expect(await traffic('miyabi-coordinator', 'egress', { agentEgress })).not.toContain('203.0.113.0/24:443');
  });

  test('take both directions of every workload', async () => {
    await traffic('miyabi-agent', 'egress');
    const policies = resourcesOf(POLICY).map(({ inputs }) => inputs);
    expect(policies.map(({ metadata }) => metadata.name).sort()).toEqual(Object.keys(CALLS).sort());
    for (const { spec } of policies) expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
  });
});
