import type { Clock, Eventually, Timer } from '../kernel/clock.js';
import type { EventSink } from '../observe/events.js';
import type { Experiment, FleetRules } from '../spec/experiment.js';
import { FleetCounts } from './fleet-counts.js';
import type { FleetMember, MemberFactory, MemberListener } from './fleet-member.js';
import type { FleetActuator, FleetSample } from './port.js';

export interface FleetOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly members: MemberFactory;
  readonly events: EventSink;
  /** Where the run is taken up from a snapshot: what the fleet of the earlier process had come to. */
  readonly history?: FleetHistory;
}

/** What of a fleet outlives its process. */
export interface FleetHistory {
  /** Agents started so far: each start has a number of its own, on which the ids of its attempts rest. */
  readonly starts: number;
  readonly restarts: number;
  readonly recycled: number;
}

/** An agent as seen from outside. */
export interface FleetAgent {
  readonly id: string;
  readonly zone: string;
  readonly node: string;
  readonly ready: boolean;
  readonly incarnation: number;
}

/** Where the agent of an ordinal number stands. */
export interface FleetSpot {
  readonly id: string;
  readonly zone: string;
  readonly node: string;
}

/** A place an agent can stand in, for as long as it is wanted; its agents come and go (kill, recycle). */
interface Place extends FleetSpot {
  readonly ordinal: number;
  incarnation: number;
  agent: FleetMember | null;
  status: 'starting' | 'ready' | 'frozen' | 'draining' | 'down';
  /** Why it drains. */
  leaving: 'recycled' | 'scaled_in' | null;
  timer: Timer | null;
}

/**
 * The platform on one machine, standing in for Kubernetes: it starts agents after the time a pod or a node takes,
 * brings killed ones back, drains those that have to go, and recycles old ones – keeping the floor meanwhile. What an
 * agent is, an object or a process, is its factory's business.
 */
export class Fleet implements FleetActuator, MemberListener {
  private readonly places = new Map<number, Place>();
  private readonly byAgent = new Map<string, Place>();
  private readonly counts: FleetCounts;
  private wanted = 0;
  /** Nodes that have been up; a place on one of them does not have to wait for a node. */
  private readonly nodes = new Set<string>();
  private readonly zonesDown = new Set<string>();
  private halted = false;
  private starts = 0;

  constructor(private readonly options: FleetOptions) {
    this.counts = new FleetCounts(options.experiment);
    const { history } = options;
    if (history === undefined) return;
    this.starts = history.starts;
    this.counts.restarts = history.restarts;
    this.counts.recycled = history.recycled;
  }

  get history(): FleetHistory {
    const { restarts, recycled } = this.counts;
    return { starts: this.starts, restarts, recycled };
  }

  /** Brings up the first agents at once: a run begins when its fleet is ready. */
  deploy(agents: number): void {
    this.wanted = agents;
    this.resize(true);
  }

  sample(): FleetSample {
    const modelled = this.counts.sample(this.wanted, this.places.size);
    const measured = this.options.members.usage?.() ?? null;
    return measured === null ? modelled : { ...modelled, ...measured };
  }

  scaleTo(agents: number): void {
    if (this.halted || agents === this.wanted) return;
    this.wanted = agents;
    this.resize(false);
  }

  /** Emergency stop: every agent aborts at once, nothing comes back. */
  halt(): void {
    this.endAll((agent) => {
      agent.abort();
    });
  }

  /** The run is over: all agents leave. Resolves when they are gone; nothing to wait for where they are at once. */
  close(): Eventually<void> {
    this.endAll((agent) => {
      agent.close();
    });
    return this.options.members.close?.();
  }

  // ---- what faults act on --------------------------------------------------------------------------------------

  agents(): FleetAgent[] {
    return [...this.places.values()].map(({ id, zone, node, status, incarnation }) => ({
      id,
      zone,
      node,
      ready: status === 'ready',
      incarnation,
    }));
  }

  agent(id: string): FleetMember | null {
    return this.byAgent.get(id)?.agent ?? null;
  }

  /** Ends agents without a word; each is back after `backMs`, or when its zone is. */
  kill(ids: readonly string[], backMs = this.options.experiment.fleet.restartMs): void {
    for (const id of ids) {
      const place = this.byAgent.get(id);
      if (place !== undefined) this.killPlace(place, backMs);
    }
  }

  freeze(ids: readonly string[], frozen: boolean): void {
    for (const id of ids) {
      const place = this.byAgent.get(id);
      const agent = place?.agent ?? null;
      if (place === undefined || agent === null || place.status !== (frozen ? 'ready' : 'frozen')) continue;
      this.setStatus(place, frozen ? 'frozen' : 'ready');
      if (frozen) agent.freeze();
      else agent.thaw();
    }
  }

  slow(ids: readonly string[], factor: number): void {
    for (const id of ids) {
      const agent = this.agent(id);
      if (agent !== null) agent.slowdown = factor;
    }
  }

  /** Takes a zone down with all its agents, or lets it come back. */
  setZone(zone: string, up: boolean): void {
    if (up) this.zonesDown.delete(zone);
    else this.zonesDown.add(zone);
    for (const place of this.places.values()) {
      if (place.zone !== zone) continue;
      if (!up) this.killPlace(place, null);
      else if (place.status === 'down' && place.timer === null) {
        this.comeBack(place, this.options.experiment.fleet.restartMs);
      }
    }
  }

  // ---- MemberListener ------------------------------------------------------------------------------------------

  busyChanged(agent: FleetMember, by: 1 | -1): void {
    this.counts.busyChanged(agent, by);
  }

  taskEnded(agent: FleetMember): void {
    this.counts.taskEnded();
    const due = this.recycleDue(agent);
    if (due === null) return;
    const place = this.byAgent.get(agent.id);
    if (place?.agent !== agent || place.status !== 'ready') return;
    const { fleet } = this.options.experiment;
    // Recycling must not take the fleet below what the run promises, unless memory leaves no choice: then one at a time.
    const spare = due === 'memory' ? Math.max(1, fleet.reserve) : fleet.reserve;
    if (this.counts.active <= this.wanted - spare) return;
    this.drainPlace(place, 'recycled');
    this.options.events({
      type: 'agents',
      at: this.options.clock.now(),
      change: 'recycled',
      agents: [agent.id],
      reason: `${due} limit reached`,
    });
  }

  ready(member: FleetMember): void {
    const place = this.byAgent.get(member.id);
    if (place?.agent === member && place.status === 'starting') this.setStatus(place, 'ready');
  }

  wentDown(member: FleetMember, reason: string): void {
    const place = this.byAgent.get(member.id);
    if (place?.agent !== member) return;
    const { events, clock, experiment } = this.options;
    events({ type: 'agents', at: clock.now(), change: 'crashed', agents: [member.id], reason });
    this.killPlace(place, experiment.fleet.restartMs);
  }

  drained(agent: FleetMember): void {
    const place = this.byAgent.get(agent.id);
    if (place?.agent !== agent || place.status !== 'draining') return;
    place.timer?.cancel();
    place.timer = null;
    this.setStatus(place, 'starting');
    agent.close();
    this.counts.gone(agent);
    place.agent = null;
    if (place.leaving === 'scaled_in') {
      this.remove(place);
      return;
    }
    this.counts.recycled += 1;
    place.leaving = null;
    this.comeBack(place, this.options.experiment.fleet.restartMs);
  }

  // ---- inside --------------------------------------------------------------------------------------------------

  private recycleDue(agent: FleetMember): 'tasks' | 'age' | 'memory' | null {
    const { recycle } = this.options.experiment.fleet;
    if (agent.tasksEnded >= recycle.maxTasks) return 'tasks';
    if (this.options.clock.now() - agent.startedAt >= recycle.maxAgeMs) return 'age';
    if (this.counts.memoryOf(agent) >= recycle.maxMemoryBytes) return 'memory';
    return null;
  }

  private endAll(end: (agent: FleetMember) => void): void {
    this.halted = true;
    this.wanted = 0;
    const places = [...this.places.values()];
    // First of all nobody takes anything: what one hands back must not start at the next.
    for (const { agent } of places) agent?.drain();
    for (const place of places) {
      place.timer?.cancel();
      const { agent } = place;
      this.setStatus(place, 'down');
      if (agent !== null) {
        end(agent);
        this.counts.gone(agent);
      }
      this.remove(place);
    }
  }

  private resize(atOnce: boolean): void {
    const deployed = this.wanted;
    const staying = [...this.places.values()].filter((place) => place.leaving !== 'scaled_in');
    for (let missing = deployed - staying.length; missing > 0; missing -= 1) this.addPlace(atOnce);
    // The youngest go first, as a ReplicaSet would have it.
    const surplus = staying.length - deployed;
    if (surplus > 0) {
      staying.sort((a, b) => b.ordinal - a.ordinal);
      for (const place of staying.slice(0, surplus)) this.drainPlace(place, 'scaled_in');
    }
  }

  private addPlace(atOnce: boolean): void {
    const { fleet } = this.options.experiment;
    let ordinal = this.freeOrdinal;
    while (this.places.has(ordinal)) ordinal += 1;
    this.freeOrdinal = ordinal + 1;
    const spot = spotOf(ordinal, fleet);
    const { id, node } = spot;
    const place: Place = {
      ...spot,
      ordinal,
      incarnation: 0,
      agent: null,
      status: 'starting',
      leaving: null,
      timer: null,
    };
    this.places.set(ordinal, place);
    this.byAgent.set(id, place);
    if (atOnce) {
      this.nodes.add(node);
      this.startAgent(place);
      return;
    }
    this.comeBack(place, this.nodes.has(node) ? fleet.startupMs : fleet.nodeStartupMs);
  }

  private freeOrdinal = 0;

  private killPlace(place: Place, backMs: number | null): void {
    place.timer?.cancel();
    place.timer = null;
    const { agent } = place;
    if (agent !== null) {
      this.counts.restarts += 1;
      this.setStatus(place, 'down');
      agent.kill();
      this.counts.gone(agent);
      place.agent = null;
    } else {
      this.setStatus(place, 'down');
    }
    if (place.leaving === 'scaled_in') {
      this.remove(place);
      return;
    }
    place.leaving = null;
    if (backMs !== null) this.comeBack(place, backMs);
  }

  private comeBack(place: Place, afterMs: number): void {
    place.timer = this.options.clock.after(afterMs, () => {
      place.timer = null;
      // A dead zone takes nobody back; setZone starts them when it is up again.
      if (this.zonesDown.has(place.zone)) this.setStatus(place, 'down');
      else this.startAgent(place);
    });
  }

  private startAgent(place: Place): void {
    this.nodes.add(place.node);
    // Counted over the whole fleet: a place that is given up and taken again later must not repeat itself.
    this.starts += 1;
    place.incarnation = this.starts;
    const { id, zone, incarnation } = place;
    const agent = this.options.members.create({ id, zone, incarnation }, this);
    place.agent = agent;
    this.setStatus(place, agent.ready ? 'ready' : 'starting');
    agent.start();
  }

  private drainPlace(place: Place, leaving: 'recycled' | 'scaled_in'): void {
    place.leaving = leaving;
    const { agent } = place;
    if (agent === null || place.status === 'frozen') {
      if (leaving === 'scaled_in') {
        place.timer?.cancel();
        if (agent !== null) this.killPlace(place, null);
        else this.remove(place);
      }
      return;
    }
    if (place.status === 'draining') return;
    if (!agent.ready) {
      // It has nothing yet, and nobody needs it any more (old ones are not exchanged before they are ready).
      place.agent = null;
      agent.close();
      this.remove(place);
      return;
    }
    this.setStatus(place, 'draining');
    place.timer = this.options.clock.after(this.options.experiment.fleet.drainTimeoutMs, () => {
      place.timer = null;
      // Out of patience: what it still holds goes back to the queue.
      this.drained(agent);
    });
    agent.drain();
  }

  private remove(place: Place): void {
    if (!this.places.has(place.ordinal)) return;
    this.counts.statusChanged(place.status, 'none', place.zone, place.agent);
    this.places.delete(place.ordinal);
    this.byAgent.delete(place.id);
    this.freeOrdinal = Math.min(this.freeOrdinal, place.ordinal);
  }

  private setStatus(place: Place, status: Place['status']): void {
    this.counts.statusChanged(place.status, status, place.zone, place.agent);
    place.status = status;
  }
}

/** Agents are dealt to zones in turn, and to the nodes of each zone one after the other. */
export function spotOf(ordinal: number, fleet: FleetRules): FleetSpot {
  const zone = fleet.zones[ordinal % fleet.zones.length] as string;
  const node = `${zone}-${Math.floor(Math.floor(ordinal / fleet.zones.length) / fleet.agentsPerNode) + 1}`;
  return { id: `agent-${String(ordinal + 1).padStart(3, '0')}`, zone, node };
}
