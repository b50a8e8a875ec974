import type { AgentIdentity, Lease, QueueObserver } from '../queue/port.js';

/** Which agent is running which tasks, as the queue's log tells. */
export class HeldTasks implements QueueObserver {
  /** By agent: task and beginning of its attempts. */
  private readonly byAgent = new Map<string, Map<string, { readonly index: number; readonly since: number }>>();

  /** Tasks the agent had begun by a time and holds still, as far as is known. */
  by(agent: string, at: number): number[] {
    const attempts = [...(this.byAgent.get(agent)?.values() ?? [])];
    return attempts.filter(({ since }) => since <= at).map(({ index }) => index);
  }

  submitted(): void {
    // Nobody has it yet.
  }

  started(lease: Lease, agent: AgentIdentity, at: number): void {
    const attempts = this.byAgent.get(agent.id) ?? new Map<string, { index: number; since: number }>();
    attempts.set(lease.attemptId, { index: lease.task.index, since: at });
    this.byAgent.set(agent.id, attempts);
  }

  finished(lease: Lease, agent: AgentIdentity): void {
    this.byAgent.get(agent.id)?.delete(lease.attemptId);
  }

  requeued(lease: Lease, agent: AgentIdentity): void {
    this.byAgent.get(agent.id)?.delete(lease.attemptId);
  }
}
