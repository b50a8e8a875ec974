import type { Fleet } from '../../runtime/agents/fleet.js';
import type { FleetSample } from '../../runtime/agents/port.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import type { Complain } from './task-watch.js';

/** Counts the fleet agent by agent, and complains where its running sums say something else. */
export class FleetWatch {
  constructor(
    private readonly experiment: Experiment,
    private readonly fleet: Fleet,
    private readonly complain: Complain,
  ) {}

  compare(): void {
    const told = this.fleet.sample();
    const counted = this.recount();
    for (const [name, value] of Object.entries(counted)) {
      const said = JSON.stringify(told[name as keyof FleetSample]);
      if (said !== JSON.stringify(value))
        this.complain(`fleet.${name} is ${JSON.stringify(value)}, its sample says ${said}`);
    }
    if (!(told.cpu >= 0 && told.cpu <= 1) && told.connections > 0) this.complain(`CPU is ${told.cpu}`);
    if (!(told.memoryBytes >= 0)) this.complain(`memory is ${told.memoryBytes}`);
  }

  private recount(): Partial<FleetSample> {
    const { slots, zones } = this.experiment.fleet;
    const byZone: Record<string, number> = Object.fromEntries(zones.map((zone) => [zone, 0]));
    let active = 0;
    let idle = 0;
    let error = 0;
    let busySlots = 0;
    let connections = 0;
    let leaked = 0;
    const places = [...this.fleet['places'].values()];
    for (const { status, agent, zone, id } of places) {
      const busy = agent?.busySlots ?? 0;
      if (busy > slots) this.complain(`${id} runs ${busy} tasks on ${slots} slots`);
      leaked += agent?.tasksEnded ?? 0;
      if (status === 'down' || status === 'frozen') error += 1;
      if (status === 'ready') {
        active += 1;
        byZone[zone] = (byZone[zone] ?? 0) + 1;
      }
      if (status !== 'ready' && status !== 'draining') continue;
      connections += 1;
      busySlots += busy;
      if (busy === 0) idle += 1;
    }
    const { memory } = this.experiment.simulation;
    const memoryBytes =
      connections * memory.baseBytes + busySlots * memory.perBusySlotBytes + leaked * memory.leakPerTaskBytes;
    return {
      total: places.length,
      active,
      idle,
      error,
      slots: active * slots,
      busySlots,
      byZone,
      connections,
      memoryBytes,
    };
  }
}
