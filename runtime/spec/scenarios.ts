import type { CriterionName } from './experiment.js';

/** Criteria of a phase, and of a scenario that has no stages to compare. */
export const ALL_BUT_LINEARITY: readonly CriterionName[] = [
  'stable',
  'throughput',
  'p99_latency',
  'error_rate',
  'availability',
  'recovery',
  'cpu',
  'stretch',
];

/** What a scenario is unless it says otherwise. */
const PLAIN = {
  agents: 200,
  duration: null,
  rate: null,
  bursts: null,
  pattern: null,
  repeat: 1,
  recovery: null,
  stages: null,
  curve: null,
  expect: null,
  admission: null,
  scaling: null,
  injections: [],
  monitor: [],
  leakPerTask: null,
  judged: ALL_BUT_LINEARITY,
};

/**
 * The scenarios, as people write them: five of the document (4.1), two of ours. A scenario replaces the load, the
 * duration, the agents and the chaos of the phase it is run on; everything else stays the stack's.
 */
export const SCENARIOS = {
  steady_state: { ...PLAIN, name: 'steady load', duration: '24h', rate: '500/min' },

  burst: {
    ...PLAIN,
    name: 'burst load',
    // 3 × 20min: the document's hour.
    pattern: [
      { rate: '500/min', duration: '10min' },
      { rate: '1500/min', duration: '2min' },
      { rate: '500/min', duration: '8min' },
    ],
    repeat: 3,
    expect: 'backlog',
    scaling: 'feed_forward',
  },

  stress: {
    ...PLAIN,
    name: 'stress test',
    duration: '2h',
    rate: '2000/min',
    // After the two hours, so that the run also shows how fast the fleet is back to normal.
    recovery: { rate: '500/min', duration: '5min' },
    expect: 'graceful_degradation',
    admission: { maxWait: '4s' },
    // Neither CPU nor stretch says anything about a fleet that is overloaded on purpose.
    judged: ['stable', 'throughput', 'p99_latency', 'error_rate', 'availability', 'recovery'],
  },

  soak: {
    ...PLAIN,
    name: 'soak test',
    duration: '72h',
    rate: '400/min',
    monitor: ['memory_leak', 'connection_pool'],
    // Something for the monitor to find when agents are simulated.
    leakPerTask: '64Ki',
  },

  chaos: {
    ...PLAIN,
    name: 'chaos test',
    duration: '4h',
    rate: '500/min',
    injections: [
      { type: 'agent_kill', percent: '10%', interval: '15min' },
      { type: 'network_delay', latency: '500ms', interval: '30min', duration: '60s' },
      { type: 'coordinator_failover', count: 1, time: '2h' },
    ],
  },

  scale_out: {
    ...PLAIN,
    name: 'scale-out',
    stages: { agents: [50, 100, 150, 200], each: '15min', ramp: '3min', load: 1.3 },
    expect: 'graceful_degradation',
    // The stages are the scaling.
    scaling: 'off',
    judged: ['linearity', 'error_rate'],
  },

  diurnal: {
    ...PLAIN,
    name: 'day and night',
    agents: 50,
    duration: '48h',
    rate: '500/min',
    curve: { low: '20%', step: '5min' },
    scaling: 'predictive',
  },
};
