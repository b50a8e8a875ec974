import type { Lease } from '../queue/port.js';
import { priorityLabel } from '../queue/port.js';
import type { Experiment } from '../spec/experiment.js';
import type { RealAgentRules } from '../spec/executor-rules.js';

/** A task as agents get it (design.md §5); times are ISO 8601. */
export interface WireTask {
  readonly task_id: string;
  readonly agent_type: string;
  readonly priority: string;
  readonly payload: unknown;
  readonly metadata: {
    readonly created_at: string;
    readonly scheduled_at: string;
    readonly timeout_seconds: number;
    readonly task_type: string;
    /** Position in the arrival schedule. */
    readonly index: number;
    /** 1 for the first attempt. */
    readonly attempt: number;
    readonly attempt_id: string;
  };
}

type Variables = ReadonlyMap<string, string | number>;

/** A task written out for an agent, and what templates that belong to it are filled in with. */
export interface WrittenTask {
  readonly wire: WireTask;
  /** A text of the config with the placeholders replaced by this task's values. */
  fill(template: string): string;
}

/**
 * Writes tasks out for agents. All of it follows from the compiled experiment, the task and the attempt's number, so
 * that whoever repeats an attempt sends the same.
 */
export class TaskWriter {
  constructor(
    private readonly experiment: Experiment,
    private readonly rules: RealAgentRules,
  ) {}

  write(lease: Lease): WrittenTask {
    const { task, attempt, attemptId } = lease;
    const { tasks, seed } = this.experiment;
    const type = (tasks.types[task.type] as { name: string }).name;
    const agentType = this.rules.agentTypes[type] ?? type;
    const scheduledAt = new Date(task.scheduledAt).toISOString();
    const taskId = this.taskId(task.index);
    const variables: Variables = new Map<string, string | number>([
      // Own lists first: what the program says of a task cannot be talked over.
      ...Object.entries(this.rules.values).map(([name, list]) => [name, turn(list, task.index)] as const),
      ['index', task.index],
      ['task_id', taskId],
      ['task_type', type],
      ['agent_type', agentType],
      ['priority', priorityLabel(task.priority)],
      ['attempt', attempt],
      ['seed', seed],
    ]);
    return {
      wire: {
        task_id: taskId,
        agent_type: agentType,
        priority: priorityLabel(task.priority),
        payload: filled(this.rules.payloads[type] ?? {}, variables),
        metadata: {
          created_at: scheduledAt,
          scheduled_at: scheduledAt,
          timeout_seconds: tasks.timeoutMs / 1_000,
          task_type: type,
          index: task.index,
          attempt,
          attempt_id: attemptId,
        },
      },
      fill: (template) => String(filledText(template, variables)),
    };
  }

  /**
   * The same for every attempt, and another one in every run: seed and start tell runs apart, so that a server that
   * remembers ids does not answer this run with the last one's results.
   */
  private taskId(index: number): string {
    const { seed, startAtMs } = this.experiment;
    return `${seed}-${Math.round(startAtMs).toString(36)}-${index}`;
  }
}

function turn(list: ReadonlyArray<string | number>, index: number): string | number {
  return list[index % list.length] ?? '';
}

/** A copy of the template with every text in it filled in; keys stay as they are. */
function filled(template: unknown, variables: Variables): unknown {
  if (typeof template === 'string') return filledText(template, variables);
  if (Array.isArray(template)) return template.map((entry: unknown) => filled(entry, variables));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filled(value, variables)]));
}

/** A text that is one placeholder and nothing else becomes its value: a number stays a number. */
function filledText(template: string, variables: Variables): string | number {
  const [, only = ''] = /^\{([a-z][a-z0-9_]*)\}$/.exec(template) ?? [];
  const value = variables.get(only);
  if (value !== undefined) return value;
  return template.replace(/\{([a-z][a-z0-9_]*)\}/g, (text, name: string) => String(variables.get(name) ?? text));
}
