import { isOver, mayGo, wrongState } from '../../runtime/coordinator/run-state.js';
import type { RunState } from '../../runtime/observe/events.js';

const STATES: readonly RunState[] = ['created', 'running', 'paused', 'draining', 'stopped', 'aborted'];

describe('run states', () => {
  it('lead from created to an end, with pauses and at most one drain on the way', () => {
    const ways = STATES.map((from) => `${from}: ${STATES.filter((to) => mayGo(from, to)).join(' ')}`.trim());
    expect(ways).toEqual([
      'created: running stopped aborted',
      'running: paused draining stopped aborted',
      'paused: running draining stopped aborted',
      'draining: stopped aborted',
      'stopped:',
      'aborted:',
    ]);
    expect(STATES.filter(isOver)).toEqual(['stopped', 'aborted']);
  });

  it('name the states in which a refused command is possible', () => {
    const error = wrongState('pause', 'draining', 'paused');
    expect(error).toMatchObject({ code: 'WRONG_STATE', exitCode: 2 });
    expect(error.message).toBe(
      'cannot pause: the run is draining\n  - pause: possible while the run is running (got draining)',
    );
    expect(wrongState('drain', 'created', 'draining').message).toContain('running or paused');
    expect(wrongState('resume', 'created', 'running').message).toContain('possible while the run is paused');
    expect(wrongState('start', 'paused', 'running').message).toContain('possible while the run is created');
  });
});
