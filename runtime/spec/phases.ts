/** A phase of the document (3), as people write it: what holds unless the stack's config says otherwise. */
export interface Phase {
  readonly title: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** By number. The bursts of phases 2 and 3 complete what the document leaves open (design.md §2). */
export const PHASES: Readonly<Record<number, Phase>> = {
  1: {
    title: 'Phase 1: baseline',
    options: {
      agents: 50,
      duration: '24h',
      load: { rate: '100/min' },
      budget: { max: '$250' },
    },
  },
  2: {
    title: 'Phase 2: scale-up',
    options: {
      agents: 100,
      duration: '48h',
      load: { rate: '200/min', bursts: { rate: '500/min', duration: '1min', every: '5min', timing: 'fixed' } },
      budget: { max: '$500' },
    },
  },
  3: {
    title: 'Phase 3: full scale',
    options: {
      agents: 200,
      duration: '72h',
      load: { rate: '500/min', bursts: { rate: '1000/min', duration: '2min', every: '30min', timing: 'random' } },
      chaos: { enabled: true, injections: [{ type: 'agent_kill', percent: '10%', interval: '15min' }] },
      budget: { max: '$600' },
    },
  },
};
