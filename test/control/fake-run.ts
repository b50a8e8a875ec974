import type { RunControl, RunStatus } from '../../runtime/control/port.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import type { ExperimentData } from '../../runtime/observe/data.js';
import type { ExperimentEvent, RunState } from '../../runtime/observe/events.js';

/** A run that does what it is told and remembers it. */
export class FakeRun implements RunControl {
  readonly id = 'phase-1-local-test';
  readonly calls: unknown[][] = [];
  state: RunState = 'running';
  chaosHalted: string | null = null;
  private readonly eventListeners: ((event: ExperimentEvent) => void)[] = [];
  private readonly sampleListeners: ((data: ExperimentData) => void)[] = [];

  status(): RunStatus {
    return {
      experimentId: this.id,
      title: 'test',
      target: 'local',
      state: this.state,
      drained: false,
      elapsedMs: 1_000,
      durationMs: 60_000,
      leader: 'coordinator-1',
      chaos: { enabled: true, halted: this.chaosHalted, open: [] },
      alertsFiring: [],
      counts: {
        ...{ submitted: 5, completed: 3, failed: 0, shed: 0, queued: 1, leased: 1 },
        ...{ superseded: 0, retried: 0, expired: 0 },
      },
      latest: null,
      limits: {
        p99LatencyMs: 5_000,
        errorRate: 0.001,
        cpu: 0.8,
        throughputPerMin: 100,
        queueBound: 500,
        maxAgents: 250,
      },
    };
  }

  pause(by: string): void {
    if (this.state !== 'running') {
      throw new ExperimentError('WRONG_STATE', `cannot pause: the run is ${this.state}`, [
        { path: 'pause', value: this.state, message: 'possible while the run is running' },
      ]);
    }
    this.go('pause', 'paused', by);
  }

  resume(by: string): void {
    this.go('resume', 'running', by);
  }

  drain(by: string, timeoutMs: number, thenStop: boolean): void {
    this.go('drain', 'draining', by, timeoutMs, thenStop);
  }

  stop(by: string): void {
    this.go('stop', 'stopped', by);
  }

  emergencyStop(by: string): void {
    this.go('emergency-stop', 'aborted', by);
  }

  scale(by: string, agents: number): void {
    this.calls.push(['scale', by, agents]);
  }

  setChaos(by: string, on: boolean): boolean {
    this.calls.push(['chaos', by, on]);
    return on && this.chaosHalted === null;
  }

  snapshot(by: string): object {
    this.calls.push(['snapshot', by]);
    return { schemaVersion: 1 };
  }

  onEvent(listener: (event: ExperimentEvent) => void): void {
    this.eventListeners.push(listener);
  }

  onSample(listener: (data: ExperimentData) => void): void {
    this.sampleListeners.push(listener);
  }

  emit(event: ExperimentEvent): void {
    for (const listener of this.eventListeners) listener(event);
  }

  sample(): void {
    for (const listener of this.sampleListeners) listener({} as ExperimentData);
  }

  private go(command: string, to: RunState, ...rest: unknown[]): void {
    this.calls.push([command, ...rest]);
    this.state = to;
  }
}
