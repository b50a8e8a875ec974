import type { Lease } from '../../runtime/queue/port.js';
import type { CommandRules, HttpRules, ProviderRules, RealAgentRules } from '../../runtime/spec/executor-rules.js';

/** Rules of real agents for tests; nothing limited, an issue number that takes turns. */
export function agentRules(changes: Partial<RealAgentRules> = {}): RealAgentRules {
  return { agentTypes: { light: 'codegen' }, payloads: {}, values: { issue: [100] }, providers: [], ...changes };
}

export function commandRules(run: readonly string[], changes: Partial<CommandRules> = {}): CommandRules {
  return {
    run,
    cwd: null,
    env: {},
    passEnv: ['PATH'],
    output: 'result',
    exitCodes: { '0': 'success', other: 'retry' },
    maxOutputBytes: 100_000,
    killGraceMs: 100,
    memoryBytes: null,
    ...changes,
  };
}

export function httpRules(url: string, changes: Partial<HttpRules> = {}): HttpRules {
  return {
    url,
    headers: {},
    secretHeaders: {},
    statuses: { '429': 'rate_limited', '4xx': 'final', '5xx': 'unavailable' },
    pollMs: 20,
    callback: null,
    maxResponseBytes: 10_000,
    connections: 16,
    connectTimeoutMs: 500,
    ...changes,
  };
}

export function providerRules(name: string, changes: Partial<ProviderRules> = {}): ProviderRules {
  return {
    name,
    keys: [{ name: 'main', env: null, ratePerMin: 60_000, burst: 1_000 }],
    sendAs: null,
    concurrency: null,
    breaker: { failures: 1_000, openMs: 100 },
    ...changes,
  };
}

export function leaseOf(index: number, attempt = 1, type = 0): Lease {
  const task = { index, type, priority: 2 as const, scheduledAt: Date.parse('2026-01-05T00:00:00Z') };
  return { attemptId: `x${index}.${attempt}`, attempt, task };
}
