import { Redis } from 'ioredis';
import { RedisLease } from '../../runtime/coordinator/adapters/redis-lease.js';
import { RedisLeaseServer } from '../../runtime/coordinator/adapters/redis-lease-server.js';
import { Coordinator } from '../../runtime/coordinator/coordinator.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';

/** A coordinator as a process: PORT REPLICA. Says whenever it begins or ends to lead, by its own judgement. */
const [, , port, replica = ''] = process.argv;
const clock = new RealClock();
const redis = new Redis({ port: Number(port) });
const lease = new RedisLease({ server: new RedisLeaseServer(redis, 'leader'), clock, incarnation: process.pid });
const coordinator = new Coordinator({
  replica,
  clock,
  lease,
  duties: [],
  events: () => undefined,
  onError: (error) => {
    process.stderr.write(`${replica}: ${String(error)}\n`);
  },
});
coordinator.start();

let leads = false;
clock.every(10, () => {
  if (coordinator.isLeader === leads) return;
  leads = !leads;
  process.stdout.write(`${JSON.stringify({ replica, leads, at: clock.now() })}\n`);
});
