import type { FleetHistory } from '../agents/fleet.js';
import type { MeterReading } from '../cost/meter.js';
import type { Sizing } from '../cost/sizing.js';
import type { GeneratorPosition } from '../load/generator.js';
import type { AlertRecord } from '../observe/alerts.js';
import type { LedgerAuditJson } from '../observe/audit.js';
import type { ExperimentEvent, FaultRecord, RunState } from '../observe/events.js';
import type { TallyJson } from '../observe/tally.js';
import type { LedgerCounts, UnfinishedTask } from '../queue/port.js';
import type { AutoScalerSnapshot } from '../scaling/autoscaler.js';
import type { Experiment } from '../spec/experiment.js';

/** Everything needed to take a run up again in another process; plain JSON. */
export interface RunSnapshot {
  readonly schemaVersion: 1;
  readonly experimentId: string;
  readonly experiment: Experiment;
  /** What the run is priced on; absent in an older snapshot = what the default deployment of the experiment has. */
  readonly sizing?: Sizing;
  readonly target: 'rehearsal' | 'local';
  readonly takenAt: number;
  readonly startedAt: number;
  readonly state: RunState;
  readonly generator: GeneratorPosition;
  readonly unfinished: readonly UnfinishedTask[];
  readonly counts: LedgerCounts;
  readonly tally: TallyJson;
  readonly audit: LedgerAuditJson;
  readonly scaler: AutoScalerSnapshot;
  /** Agents wanted. */
  readonly agents: number;
  readonly fleet: FleetHistory;
  readonly cost: MeterReading;
  readonly faults: readonly FaultRecord[];
  readonly alerts: readonly AlertRecord[];
  /** Chaos was on, and had not stopped itself. */
  readonly chaos: boolean;
  readonly events: readonly ExperimentEvent[];
}
