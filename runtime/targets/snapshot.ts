import type { GeneratorPosition } from '../load/generator.js';
import type { LedgerAuditJson } from '../observe/audit.js';
import type { ExperimentEvent, RunState } from '../observe/events.js';
import type { TallyJson } from '../observe/tally.js';
import type { LedgerCounts, UnfinishedTask } from '../queue/port.js';
import type { AutoScalerSnapshot } from '../scaling/autoscaler.js';
import type { Experiment } from '../spec/experiment.js';

/** Everything needed to take a run up again in another process; plain JSON. */
export interface RunSnapshot {
  readonly schemaVersion: 1;
  readonly experimentId: string;
  readonly experiment: Experiment;
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
  readonly events: readonly ExperimentEvent[];
}
