/** One event of the engine's log; source: sdk/go/common/apitype/events.go of pulumi. */
export interface EngineEvent {
  readonly summaryEvent?: { readonly resourceChanges?: Readonly<Record<string, number>> };
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly policyEvent?: { readonly policyName: string; readonly enforcementLevel: string; readonly message: string };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
}

export interface Step {
  /** `create`, `update`, `delete`, `replace`, … */
  readonly op: string;
  readonly type: string;
  /** Name of the resource in the program. */
  readonly name: string;
}

export interface Violation {
  readonly policy: string;
  readonly level: string;
  readonly message: string;
}

/** How a run of the engine ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Everything that was or would be changed. */
  readonly steps: readonly Step[];
  readonly violations: readonly Violation[];
}

/** What the events of a run say. */
export function digest(events: readonly EngineEvent[]): Pick<Outcome, 'steps' | 'violations'> {
  return {
    steps: events.flatMap(({ resourcePreEvent: event }) =>
      event === undefined || ['same', 'read', 'refresh'].includes(event.metadata.op) ? [] : [stepOf(event.metadata)],
    ),
    violations: events.flatMap(({ policyEvent: event }) =>
      event === undefined ? [] : [{ policy: event.policyName, level: event.enforcementLevel, message: event.message }],
    ),
  };
}

function stepOf({ op, urn, type }: StepMetadata): Step {
  return { op, type, name: urn.split('::').slice(3).join('::') };
}
