import type { ExperimentEvent, FaultRecord, IncidentRecord, RunState } from '../observe/events.js';
import type { ExperimentReport } from './model.js';

/** What the events of a run say for its report. */
export interface EventDigest {
  /** Faults that happened, each as last told, in order of injection. */
  readonly faults: FaultRecord[];
  readonly incidents: IncidentRecord[];
  /** Decisions that changed the fleet; the thousands that changed nothing stay in the events. */
  readonly scalings: ExperimentReport['scalings'];
  readonly alerts: ExperimentReport['alerts'];
  readonly states: ExperimentReport['states'];
  readonly segments: ExperimentReport['segments'];
  readonly lastState: RunState | null;
}

/** Reads the events of a run that ended at `endedAt` (epoch ms), in the order in which they happened. */
export function digestEvents(events: readonly ExperimentEvent[], endedAt: number): EventDigest {
  const faults = new Map<string, FaultRecord>();
  const incidents: IncidentRecord[] = [];
  const scalings: ExperimentReport['scalings'] = [];
  const states: ExperimentReport['states'] = [];
  const segments: ExperimentReport['segments'] = [];
  const alerts = new AlertDigest();
  let lastState: RunState | null = null;
  for (const event of events) {
    switch (event.type) {
      case 'fault':
        if (event.stage !== 'planned' && event.stage !== 'skipped') faults.set(event.fault.id, event.fault);
        break;
      case 'incident':
        incidents.push(event.incident);
        break;
      case 'scaling':
        if (event.decision.from !== event.decision.to) scalings.push({ at: event.at, decision: event.decision });
        break;
      case 'alert':
        alerts.add(event);
        break;
      case 'run_state':
        lastState = event.to;
        states.push({ at: event.at, from: event.from, to: event.to, reason: event.reason });
        if (isEnd(event.to)) closeSegment(segments, event.at);
        break;
      case 'segment':
        closeSegment(segments, event.at);
        segments.push({ start: event.at, end: NaN, label: event.label, ratePerMin: event.ratePerMin });
        break;
      default:
    }
  }
  closeSegment(segments, endedAt);
  incidents.sort((a, b) => a.timestamp - b.timestamp);
  const byInjection = [...faults.values()].sort((a, b) => a.injectedAt - b.injectedAt);
  return { faults: byInjection, incidents, scalings, alerts: alerts.all, states, segments, lastState };
}

/** The load ends with these states. */
function isEnd(state: RunState): boolean {
  return state === 'draining' || state === 'stopped' || state === 'aborted';
}

function closeSegment(segments: ExperimentReport['segments'], at: number): void {
  const open = segments.at(-1);
  if (open !== undefined && Number.isNaN(open.end)) open.end = at;
}

type AlertEvent = Extract<ExperimentEvent, { type: 'alert' }>;

/** Puts firings and resolutions together. The peak known from events is the value at the firing. */
class AlertDigest {
  readonly all: ExperimentReport['alerts'] = [];
  private readonly firing = new Map<string, ExperimentReport['alerts'][number]>();

  add({ name, severity, state, at, value, actions }: AlertEvent): void {
    if (state === 'firing') {
      const alert = { name, severity, firedAt: at, resolvedAt: null, peak: value, actions: [...actions] };
      this.firing.set(name, alert);
      this.all.push(alert);
      return;
    }
    const fired = this.firing.get(name);
    if (fired === undefined) return;
    fired.resolvedAt = at;
    this.firing.delete(name);
  }
}
