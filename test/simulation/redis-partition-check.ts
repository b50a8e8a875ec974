import type { Partition } from '../../runtime/queue/adapters/redis/partition.js';

/** Whether what a partition holds agrees with itself: counters, lines, delays, agents. */
export function partitionProblems(partition: Partition): string[] {
  const problems: string[] = [];
  const { submitted, completed, failed, shed, leased } = partition['counters'];
  const tasks = [...partition['tasks']];
  const inPhase = (phase: string): number[] =>
    tasks.filter(([, { state }]) => state.phase === phase).map(([index]) => index);
  const same = (name: string, found: readonly number[], expected: readonly number[]): void => {
    const sorted = (list: readonly number[]): string => [...list].sort((a, b) => a - b).join(' ');
    if (sorted(found) !== sorted(expected))
      problems.push(`${name}: ${sorted(found)}, by the tasks ${sorted(expected)}`);
  };
  if (submitted !== completed + failed + shed + tasks.length) {
    problems.push(`${submitted} submitted, ${completed} + ${failed} + ${shed} over, ${tasks.length} held`);
  }
  if (leased !== inPhase('leased').length) problems.push(`${leased} leased, by the tasks ${inPhase('leased').length}`);
  same('ready', partition['ready'].flat(), inPhase('queued'));
  same('delayed', [...partition['delayed'].keys()], inPhase('delayed'));
  for (const id of partition['waiting'])
    if (!partition['agents'].has(id)) problems.push(`${id} waits and is not there`);
  if (new Set(partition['waiting']).size !== partition['waiting'].length)
    problems.push('an agent stands in line twice');
  for (const [index] of tasks) if (partition['done'].has(index)) problems.push(`task ${index} is held and over`);
  return problems;
}
