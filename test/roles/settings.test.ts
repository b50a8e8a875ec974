import { readRoleSettings } from '../../runtime/roles/settings.js';

describe('settings of a role', () => {
  it('are those the pods have', () => {
    const settings = readRoleSettings(
      {
        ROLE: 'agent',
        SPEC_FILE: '/etc/agent-experiment/spec.json',
        POD_NAME: 'miyabi-agent-5d9',
        POD_IP: '10.0.0.7',
        NODE_NAME: 'node-3',
        HEALTH_PORT: '8080',
        METRICS_PORT: '9090',
        REDIS_NODES: 'redis-0.redis.ns.svc:6379,redis-1.redis.ns.svc:6379',
        REDIS_USERNAME: 'experiment',
        REDIS_PASSWORD: 'very secret',
      },
      'unused',
    );
    expect(settings).toMatchObject({
      specFile: '/etc/agent-experiment/spec.json',
      id: 'miyabi-agent-5d9',
      zone: null,
      node: 'node-3',
      listenHost: '0.0.0.0',
      healthPort: 8080,
      metricsPort: 9090,
      secrets: ['very secret'],
    });
    expect(settings.redis).toMatchObject({
      nodes: [
        { host: 'redis-0.redis.ns.svc', port: 6379 },
        { host: 'redis-1.redis.ns.svc', port: 6379 },
      ],
      cluster: true,
      username: 'experiment',
      password: 'very secret',
      tls: false,
    });
  });

  it('are for this machine alone where nothing is said', () => {
    expect(readRoleSettings({ POD_NAME: '', REDIS_NODES: '' }, 'agent-17')).toMatchObject({
      specFile: '/etc/agent-experiment/spec.json',
      id: 'agent-17',
      listenHost: '127.0.0.1',
      healthPort: 0,
      metricsPort: null,
      redis: null,
    });
  });

  it('listen to all addresses of a pod, of either kind', () => {
    expect(readRoleSettings({ POD_IP: 'fd00::7' }, 'a').listenHost).toBe('::');
    expect(readRoleSettings({ POD_IP: 'fd00::7', LISTEN_HOST: '::1' }, 'a').listenHost).toBe('::1');
  });

  it.each([
    ['localhost', [{ host: 'localhost', port: 6379 }], false],
    ['localhost:7000', [{ host: 'localhost', port: 7000 }], false],
    ['[fd00::1]:7000', [{ host: 'fd00::1', port: 7000 }], false],
    [
      'a:1, b:2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      true,
    ],
  ])('take %s for where Redis is', (text, nodes, cluster) => {
    expect(readRoleSettings({ REDIS_NODES: text }, 'a').redis).toMatchObject({ nodes, cluster });
  });

  it('take one address for a node of a cluster when told so', () => {
    expect(readRoleSettings({ REDIS_NODES: 'a', REDIS_CLUSTER: 'true' }, 'a').redis?.cluster).toBe(true);
  });

  it('are refused with all that is wrong, and no secret is told', () => {
    const env = {
      HEALTH_PORT: '80800',
      METRICS_PORT: 'x',
      LOG_LEVEL: 'loud',
      REDIS_NODES: 'redis://user:pass@host',
      REDIS_TLS: 'yes',
      REDIS_PASSWORD: 'very secret',
    };
    let message = '';
    try {
      readRoleSettings(env, 'a');
    } catch (error) {
      message = String(error);
    }
    for (const part of [
      'HEALTH_PORT: must be a port',
      '"80800"',
      'METRICS_PORT',
      'LOG_LEVEL',
      'REDIS_NODES: must be HOST:PORT',
      'REDIS_TLS: must be true or false',
    ]) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain('very secret');
    expect(message).not.toContain('user:pass');
  });
});
