import type { Role } from '../../runtime/roles/role.js';

/** A role that does as its arguments say: how long its drain takes, and what goes wrong. */
export const role: Role = {
  start: (host) => {
    const [what = '', drainMs = '0'] = host.args;
    if (what === 'needs-redis') host.requireRedis();
    if (what === 'throws') setTimeout(() => JSON.parse('{'), 10);
    if (what === 'rejects') Promise.reject(new Error('nobody caught this')).catch((error: unknown) => host.fail(error));
    host.serve('GET /identity', (_request, response) => {
      response.end(JSON.stringify({ ...host.identity, title: host.experiment.title }));
    });
    host.serve('GET /broken', () => {
      throw new Error('a handler broke');
    });
    return Promise.resolve({
      isReady: () => what !== 'unready',
      abort: () => {
        host.log.info('ended what lives elsewhere');
        return what === 'hangs' ? host.clock.sleep(600_000) : Promise.resolve();
      },
      drain: () => host.clock.sleep(Number(drainMs)),
      drainTimeoutMs: 1_000,
      ...(what === 'ends' ? { finished: Promise.resolve(7) } : {}),
    });
  },
};
