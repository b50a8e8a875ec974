/**
 * What happened to the experiment, one object a line in `events.ndjson.gz`: states, scalings, faults, alerts,
 * incidents, decisions; never single tasks. `at` is epoch ms.
 */
export type ExperimentEvent =
  | {
      readonly type: 'run_state';
      readonly at: number;
      readonly from: RunState;
      readonly to: RunState;
      readonly reason: string;
    }
  | { readonly type: 'segment'; readonly at: number; readonly label: string; readonly ratePerMin: number }
  | { readonly type: 'leader'; readonly at: number; readonly replica: string; readonly previous: string | null }
  | { readonly type: 'scaling'; readonly at: number; readonly decision: ScalingDecisionRecord }
  | { readonly type: 'fault'; readonly at: number; readonly stage: FaultStage; readonly fault: FaultRecord }
  | {
      readonly type: 'alert';
      readonly at: number;
      readonly name: string;
      readonly severity: 'critical' | 'warning';
      readonly state: 'firing' | 'resolved';
      readonly value: number;
      readonly actions: readonly string[];
    }
  | { readonly type: 'incident'; readonly at: number; readonly incident: IncidentRecord }
  | {
      readonly type: 'agents';
      readonly at: number;
      readonly change: 'expired' | 'recycled' | 'preempted' | 'crashed';
      readonly agents: readonly string[];
      readonly reason: string;
    }
  | {
      readonly type: 'control';
      readonly at: number;
      readonly command: string;
      readonly by: string;
      readonly detail: string;
    }
  | {
      readonly type: 'monitor';
      readonly at: number;
      readonly monitor: string;
      readonly finding: string;
      readonly value: number;
    }
  | {
      readonly type: 'diagnostics';
      readonly at: number;
      readonly alert: string;
      readonly bundle: Readonly<Record<string, unknown>>;
    };

export type RunState = 'created' | 'running' | 'paused' | 'draining' | 'stopped' | 'aborted';

export type FaultStage = 'planned' | 'injected' | 'probed' | 'undone' | 'recovered' | 'skipped';

export interface FaultRecord {
  /** `f1`, `f2`, … in order of injection. */
  readonly id: string;
  /** A fault type of the plan, or `preemption` (involuntary). */
  readonly type: string;
  readonly voluntary: boolean;
  /** Epoch ms. */
  readonly injectedAt: number;
  /** End of a lasting fault, equal to injectedAt for the others; null while it lasts. */
  readonly endedAt: number | null;
  /** Agents, zones or replicas hit. */
  readonly subjects: readonly string[];
  /** Tasks held by the agents hit. */
  readonly tasksHeld: number;
  /** Service recovery, ms from injection (lasting faults: from their end); null = not (yet) recovered. */
  readonly serviceRecoveryMs: number | null;
  readonly capacityRecoveryMs: number | null;
  /** Did the probe see the effect, and its end? Null = not probed yet. */
  readonly effectSeen: boolean | null;
  readonly endSeen: boolean | null;
  readonly detail: string;
}

export interface IncidentRecord {
  readonly timestamp: number;
  readonly type: string;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly description: string;
  readonly resolution: string;
  /** ms */
  readonly duration: number;
}

export interface ScalingDecisionRecord {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly mode: string;
  readonly score: number;
  readonly reactive: number;
  readonly predictive: number | null;
  readonly floor: number;
  readonly inputs: Readonly<Record<string, number>>;
}

/** Where events go: the sinks, the report, the live view. */
export type EventSink = (event: ExperimentEvent) => void;
