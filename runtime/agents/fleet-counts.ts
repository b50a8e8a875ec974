import type { Experiment } from '../spec/experiment.js';
import type { FleetMember } from './fleet-member.js';
import type { FleetSample } from './port.js';

type Status = 'starting' | 'ready' | 'frozen' | 'draining' | 'down' | 'none';

/**
 * The fleet's figures, kept up to date change by change: looking at 20,000 agents once a second would cost more than
 * the tasks they run. CPU, memory and network are models (`simulation` in the spec).
 */
export class FleetCounts {
  active = 0;
  restarts = 0;
  recycled = 0;
  private error = 0;
  private draining = 0;
  private idle = 0;
  private busySlots = 0;
  private tasksEnded = 0;
  /** Sum of tasks ended over the agents alive: the leak grows with it. */
  private leakingTasks = 0;
  private readonly byZone: Record<string, number>;

  constructor(private readonly experiment: Experiment) {
    this.byZone = Object.fromEntries(experiment.fleet.zones.map((zone) => [zone, 0]));
  }

  sample(target: number, total: number): FleetSample {
    const { simulation, fleet } = this.experiment;
    const alive = this.active + this.draining;
    const busyPerAgent = alive === 0 ? 0 : this.busySlots / alive;
    return {
      total,
      target,
      active: this.active,
      idle: this.idle,
      error: this.error,
      slots: this.active * fleet.slots,
      busySlots: this.busySlots,
      byZone: { ...this.byZone },
      cpu: alive === 0 ? NaN : Math.min(1, simulation.cpu.idle + simulation.cpu.perBusySlot * busyPerAgent),
      memoryBytes:
        alive * simulation.memory.baseBytes +
        this.busySlots * simulation.memory.perBusySlotBytes +
        this.leakingTasks * simulation.memory.leakPerTaskBytes,
      networkBytes: this.tasksEnded * simulation.networkBytesPerTask,
      connections: alive,
      restarts: this.restarts,
      recycled: this.recycled,
    };
  }

  memoryOf(agent: FleetMember): number {
    if (agent.memoryBytes !== null) return agent.memoryBytes;
    const { memory } = this.experiment.simulation;
    return memory.baseBytes + agent.busySlots * memory.perBusySlotBytes + agent.tasksEnded * memory.leakPerTaskBytes;
  }

  busyChanged(agent: FleetMember, by: 1 | -1): void {
    // Slots of frozen agents and of those gone left the count with their agent.
    if (!agent.atWork) return;
    this.busySlots += by;
    if (by === 1 && agent.busySlots === 1) this.idle -= 1;
    else if (by === -1 && agent.busySlots === 0) this.idle += 1;
  }

  taskEnded(): void {
    this.tasksEnded += 1;
    this.leakingTasks += 1;
  }

  /** The agent is no more, and its memory with it. */
  gone(agent: FleetMember): void {
    this.leakingTasks -= agent.tasksEnded;
  }

  /** To be called before the agent itself is frozen, thawed or ended: its busy slots go with it. */
  statusChanged(from: Status, to: Status, zone: string, agent: FleetMember | null): void {
    this.count(from, -1, zone);
    this.count(to, 1, zone);
    const wasAlive = from === 'ready' || from === 'draining';
    const isAlive = to === 'ready' || to === 'draining';
    if (wasAlive === isAlive || agent === null) return;
    const by = isAlive ? 1 : -1;
    this.busySlots += by * agent.busySlots;
    if (agent.busySlots === 0) this.idle += by;
  }

  private count(status: Status, by: 1 | -1, zone: string): void {
    if (status === 'ready') {
      this.active += by;
      this.byZone[zone] = (this.byZone[zone] ?? 0) + by;
    } else if (status === 'draining') this.draining += by;
    else if (status === 'down' || status === 'frozen') this.error += by;
  }
}
