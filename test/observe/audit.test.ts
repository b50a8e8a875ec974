import fc from 'fast-check';
import { identityHolds, LedgerAudit, type LedgerAuditJson } from '../../runtime/observe/audit.js';
import type { LedgerCounts, SubmitOutcome } from '../../runtime/queue/port.js';
import { AGENT, FAILURE, leaseOf, ledgerCounts, SUCCESS } from './samples.js';

const ACCEPTED: SubmitOutcome = { accepted: true, enqueuedAt: 0 };
const SHED: SubmitOutcome = { accepted: false, reason: 'queue_full' };

type Fate = 'completed' | 'failed' | 'expired' | 'shed' | 'queued' | 'leased';
const fates = fc.array(
  fc.record({
    fate: fc.constantFrom<Fate>('completed', 'completed', 'completed', 'failed', 'expired', 'shed', 'queued', 'leased'),
    /** The answer got lost once, and the task was offered again. */
    unanswered: fc.boolean(),
    /** An agent that had lost its lease finished the task as well. */
    superseded: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);
type Story = typeof fates extends fc.Arbitrary<Array<infer T>> ? T : never;

/** What a queue can do wrong. */
type Defect =
  'none' | 'drops' | 'drops_unseen' | 'counts_twice' | 'counts_twice_unseen' | 'sheds_and_completes' | 'invents';

const leaseAt = (index: number) => leaseOf({ index, type: 0, priority: 2, scheduledAt: 0 });

/** Each journal in its own order; between them anything may come first. */
function journals(index: number, story: Story, defect: Defect): Array<Array<(audit: LedgerAudit) => void>> {
  const lease = leaseAt(index);
  const finish = (outcome: 'counted' | 'dead' | 'superseded') => (audit: LedgerAudit) =>
    audit.finished(lease, AGENT, outcome === 'dead' ? FAILURE : SUCCESS, outcome);
  const generator: Array<(audit: LedgerAudit) => void> = [(audit) => audit.sent(index)];
  if (story.unanswered) generator.push((audit) => audit.unknown(index));
  generator.push((audit) => audit.answered(index, story.fate === 'shed' ? SHED : ACCEPTED));
  if (story.unanswered) generator.push((audit) => audit.answered(index, story.fate === 'shed' ? SHED : ACCEPTED));
  const agents: Array<(audit: LedgerAudit) => void> = [];
  const queue: Array<(audit: LedgerAudit) => void> = [];
  if (story.fate === 'completed') {
    if (defect !== 'invents') agents.push((audit) => audit.result(index, 'a', 'success'));
    if (defect !== 'drops' && defect !== 'drops_unseen') queue.push(finish('counted'));
    if (defect === 'counts_twice') queue.push(finish('counted'));
    if (story.superseded && defect !== 'invents') {
      agents.push((audit) => audit.result(index, 'b', 'success'));
      queue.push(finish('superseded'));
    }
  }
  if (story.fate === 'failed') {
    agents.push((audit) => audit.result(index, 'a', 'failed'));
    queue.push(finish('dead'));
  }
  if (story.fate === 'expired') queue.push((audit) => audit.requeued(lease, AGENT, 'expired', 0, true));
  if (story.fate === 'leased') queue.push((audit) => audit.requeued(lease, AGENT, 'released', 0, false));
  if (story.fate === 'shed' && defect === 'sheds_and_completes') {
    agents.push((audit) => audit.result(index, 'a', 'success'));
    queue.push(finish('counted'));
  }
  return [generator, agents, queue];
}

/** The counters of a queue that did this; a defect that is «unseen» balances its books. */
function counters(stories: readonly Story[], defects: readonly Defect[]): LedgerCounts {
  const counts = { submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 };
  for (const [i, { fate }] of stories.entries()) {
    const defect = defects[i] as Defect;
    if (fate === 'completed' && defect === 'drops_unseen') continue;
    counts.submitted += 1;
    if (fate === 'completed' && defect === 'drops') continue;
    counts[fate === 'expired' ? 'failed' : fate] += 1;
    if (defect === 'sheds_and_completes') counts.completed += 1;
    if (defect === 'counts_twice') counts.completed += 1;
    if (defect === 'counts_twice_unseen') {
      counts.completed += 1;
      counts.submitted += 1;
    }
  }
  return ledgerCounts(counts);
}

/** Plays all journals, interleaved as `picks` says. */
function play(stories: readonly Story[], defects: readonly Defect[], picks: readonly number[]): LedgerAudit {
  const audit = new LedgerAudit();
  const open = stories
    .flatMap((story, i) => journals(i, story, defects[i] as Defect))
    .filter((steps) => steps.length > 0);
  for (let i = 0; open.length > 0; i += 1) {
    const at = (picks[i % picks.length] as number) % open.length;
    const steps = open[at] as Array<(audit: LedgerAudit) => void>;
    (steps.shift() as (audit: LedgerAudit) => void)(audit);
    if (steps.length === 0) open.splice(at, 1);
  }
  return audit;
}

const interleaving = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 50 });
const sound = (stories: readonly Story[]): Defect[] => stories.map(() => 'none');

describe('ledger audit', () => {
  it('finds nothing wrong with a queue that does nothing wrong, in whatever order the journals come', () => {
    fc.assert(
      fc.property(fates, interleaving, (stories, picks) => {
        const counts = counters(stories, sound(stories));
        const audit = play(stories, sound(stories), picks);
        const holds = (index: number) => ['queued', 'leased'].includes((stories[index] as Story).fate);
        for (const judgement of [audit.judge(counts), audit.judge(counts, holds)]) {
          expect(judgement).toMatchObject({ lost: 0, doubleCounted: 0, unbacked: 0, unresolved: 0 });
        }
        expect(identityHolds(counts)).toBe(true);
      }),
    );
  });

  it.each<[Defect, Fate, 'lost' | 'doubleCounted' | 'unbacked']>([
    ['drops', 'completed', 'lost'],
    ['drops_unseen', 'completed', 'lost'],
    ['counts_twice', 'completed', 'doubleCounted'],
    ['counts_twice_unseen', 'completed', 'doubleCounted'],
    ['sheds_and_completes', 'shed', 'doubleCounted'],
    ['invents', 'completed', 'unbacked'],
  ])('catches a queue that %s tasks that are %s: %s', (defect, fate, finding) => {
    fc.assert(
      fc.property(fates, interleaving, fc.nat(), (stories, picks, pick) => {
        const victims = stories.flatMap((story, i) => (story.fate === fate ? [i] : []));
        fc.pre(victims.length > 0);
        const victim = victims[pick % victims.length] as number;
        const defects = stories.map((_, i): Defect => (i === victim ? defect : 'none'));
        const audit = play(stories, defects, picks);
        const holds = (index: number) => ['queued', 'leased'].includes((stories[index] as Story).fate);
        const clean = { lost: 0, doubleCounted: 0, unbacked: 0, unresolved: 0 };
        const judgement = audit.judge(counters(stories, defects), holds);
        expect(judgement).toMatchObject({ ...clean, [finding]: 1 });
        if (defect !== 'counts_twice_unseen') expect(judgement.examples[finding]).toEqual([victim]);
        expect(audit.judge(counters(stories, defects))).toMatchObject({ [finding]: 1 });
      }),
    );
  });

  it('is not fooled by a queue that loses one task and counts another twice, so that its books balance', () => {
    const audit = new LedgerAudit();
    for (const index of [0, 1]) audit.answered(index, ACCEPTED);
    audit.result(0, 'a', 'success');
    for (let i = 0; i < 2; i += 1) audit.finished(leaseAt(0), AGENT, SUCCESS, 'counted');
    const counts = ledgerCounts({ submitted: 2, completed: 2 });
    expect(identityHolds(counts)).toBe(true);
    expect(audit.judge(counts)).toMatchObject({
      lost: 1,
      doubleCounted: 1,
      examples: { lost: [1], doubleCounted: [0] },
    });
  });

  it('names at most ten examples, the smallest first', () => {
    const audit = new LedgerAudit();
    for (let index = 0; index < 30; index += 1) audit.answered(index, ACCEPTED);
    const { lost, examples } = audit.judge(ledgerCounts({ submitted: 30 }));
    expect(lost).toBe(30);
    expect(examples.lost).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('leaves open what was offered and never answered for', () => {
    const audit = new LedgerAudit();
    audit.sent(0);
    audit.unknown(0);
    expect(audit.judge(ledgerCounts())).toMatchObject({ lost: 0, unresolved: 1 });
    audit.answered(0, SHED);
    expect(audit.judge(ledgerCounts({ submitted: 1, shed: 1 }))).toMatchObject({ lost: 0, unresolved: 0 });
  });

  it('does not grow with the number of tasks, refused and failed ones included', () => {
    const audit = new LedgerAudit();
    for (let index = 0; index < 300_000; index += 1) {
      const refused = index % 3 === 0;
      audit.answered(index, refused ? SHED : ACCEPTED);
      if (refused) continue;
      if (index % 3 === 1) audit.result(index, 'a', 'success');
      audit.finished(leaseAt(index), AGENT, SUCCESS, index % 3 === 1 ? 'counted' : 'dead');
    }
    expect(audit.openPages).toBeLessThanOrEqual(3);
  });

  it('goes on after it was written down and read again', () => {
    fc.assert(
      fc.property(fates, interleaving, (stories, picks) => {
        const audit = play(stories, sound(stories), picks);
        const copy = LedgerAudit.fromJSON(JSON.parse(JSON.stringify(audit)) as LedgerAuditJson);
        copy.answered(stories.length, ACCEPTED);
        audit.answered(stories.length, ACCEPTED);
        const counts = counters(stories, sound(stories));
        expect(copy.judge(counts)).toEqual(audit.judge(counts));
      }),
      { numRuns: 30 },
    );
  });
});

describe('ledger identity', () => {
  it('holds only when every task is somewhere, and nowhere twice', () => {
    const counts = { submitted: 15, completed: 5, failed: 4, shed: 3, queued: 2, leased: 1 };
    expect(identityHolds(ledgerCounts(counts))).toBe(true);
    for (const key of Object.keys(counts) as Array<keyof typeof counts>) {
      expect(identityHolds(ledgerCounts({ ...counts, [key]: counts[key] + 1 }))).toBe(false);
    }
    expect(identityHolds(ledgerCounts({ submitted: 0, completed: 1, queued: -1 }))).toBe(false);
  });
});
