import type { CostEstimate } from '../cost/cost-model.js';
import { align } from '../cost/format.js';
import { machineType } from '../spec/machines.js';
import { formatCpu, formatSize } from '../spec/units.js';
import type { Optimum, Rehearsed } from './optimize.js';

const NOTES = [
  'kept: no fewer agents than now. The others meet the targets with fewer agents of more slots, which',
  "is not what a phase named after its number of agents shows. An agent's requests are assumed to grow",
  'in proportion to its slots above four (measure them in a local run), and Spot nodes of every type',
  'to be lost equally often.',
];

/** The best fleets beside the present one and the document's sizing, for people; at most 100 columns wide. */
export function formatOptimum(
  { present, best, kept, candidates, rehearsals }: Optimum,
  document: CostEstimate,
): string {
  const head = ['', 'agents', 'slots', 'machine', 'bought', 'a node', 'CPU', 'memory', 'USD', 'of doc.', 'verdict'];
  const rows = [
    ...best.map((one, index) => row(`${index + 1}.`, one, document)),
    ...(kept === null ? [] : [row('kept', kept, document)]),
    row('now', present, document),
    ['doc.', '', '', 'n2-standard-4', 'on demand', '4', '', '', money(document.totalUsd), '100 %', ''],
  ];
  const count = `${candidates} cheaper fleets hold the load by calculation; ${rehearsals} rehearsals were made.`;
  return [
    'Cheapest fleets that meet every mandatory criterion in rehearsal, one a machine type and purchase',
    '',
    ...align([head, ...rows], [1, 2, 5, 6, 7, 8, 9]),
    '',
    best.length === 0 ? `None was found that is cheaper than the present one. ${count}` : count,
    ...(best.some(({ fleet }) => isArm(fleet.machineType))
      ? ['arm64 machines need an image built for them as well.']
      : []),
    ...NOTES,
  ].join('\n');
}

function row(name: string, { fleet, bill, trial }: Rehearsed, document: CostEstimate): string[] {
  return [
    name,
    `${fleet.agents}+${fleet.reserve}`,
    String(fleet.slots),
    `${fleet.machineType}${isArm(fleet.machineType) ? ' arm64' : ''}`,
    fleet.spot.enabled ? 'Spot' : 'on demand',
    String(fleet.agentsPerNode),
    formatCpu(fleet.requests.cpuMilli),
    formatSize(fleet.requests.memoryBytes),
    money(bill.totalUsd),
    `${((bill.totalUsd / document.totalUsd) * 100).toFixed(1)} %`,
    trial.verdict,
  ];
}

function isArm(name: string): boolean {
  return machineType(name)?.architecture === 'arm64';
}

function money(usd: number): string {
  return usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
