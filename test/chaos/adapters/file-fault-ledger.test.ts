import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileFaultLedger } from '../../../runtime/chaos/adapters/file-fault-ledger.js';
import type { FaultLedgerEntry } from '../../../runtime/chaos/fault-ledger.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import { MINUTE } from '../../../runtime/kernel/units.js';
import { injection, rules, Stage, START } from '../stage.js';

const clock = new RealClock();
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fault-ledger-'));
  path = join(folder, 'run', 'faults.ndjson');
});

afterEach(() => rm(folder, { recursive: true }));

function entry(id: string): FaultLedgerEntry {
  const agents = [{ id: 'agent-001', zone: 'A', node: 'node-0', ready: true, incarnation: 3 }];
  const fault = {
    id,
    type: 'slow_agents' as const,
    subjects: ['agent-001'],
    agents,
    hitsAll: false,
    durationMs: MINUTE,
    baseline: 1,
    strength: 3,
    detail: '1 agent 3 times slower for 60 s',
  };
  return { fault, openedAt: START, expiresAt: START + MINUTE };
}

describe('the fault ledger in a file', () => {
  test('gives back to the next process what was not undone', async () => {
    const first = await FileFaultLedger.open(path, clock);
    await Promise.all([first.open(entry('f1')), first.open(entry('f2')), first.open(entry('f10'))]);
    await first.close('f1', START);
    await first.dispose();

    const next = await FileFaultLedger.open(path, clock);
    expect(next.stillOpen()).toEqual([entry('f2'), entry('f10')]);
    expect(next.lastNumber()).toBe(10);
    await next.close('f2', START);
    await next.close('f10', START);
    await next.dispose();

    const last = await FileFaultLedger.open(path, clock);
    expect(last.stillOpen()).toEqual([]);
    expect(last.lastNumber()).toBe(10);
    await last.dispose();
  });

  test('has the line on the disk when the call returns', async () => {
    const ledger = await FileFaultLedger.open(path, clock);
    await ledger.open(entry('f1'));
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ op: 'open', entry: entry('f1') });
    await ledger.dispose();
  });

  test('drops a last line that a crash cut short, and writes on where it began', async () => {
    const first = await FileFaultLedger.open(path, clock);
    await first.open(entry('f1'));
    await first.dispose();
    await appendFile(path, '{"op":"close","fau');

    const next = await FileFaultLedger.open(path, clock);
    expect(next.stillOpen()).toEqual([entry('f1')]);
    await next.close('f1', START);
    await next.dispose();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { op: string }).op)).toEqual(['open', 'close']);
  });

  test('does not start over lines it cannot read', async () => {
    const first = await FileFaultLedger.open(path, clock);
    await first.open(entry('f1'));
    await first.dispose();
    const written = await readFile(path, 'utf8');
    await writeFile(path, written.replace('"slow_agents"', '"sloww_agents"'));
    await expect(FileFaultLedger.open(path, clock)).rejects.toMatchObject({ code: 'RECORD_UNREADABLE' });
    await expect(FileFaultLedger.open(path, clock)).rejects.toThrow('faults.ndjson:1');
  });

  test('keeps virtual time still while it writes', async () => {
    const stage = new Stage();
    const delay = injection({ type: 'network_delay', atMs: [MINUTE], durationMs: MINUTE, latencyMs: 500 });
    const ledger = await FileFaultLedger.open(path, clock);
    const held = await FileFaultLedger.open(join(folder, 'held.ndjson'), stage.clock);
    await ledger.dispose();
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: 10 * MINUTE, ledger: held }).run());
    expect(stage.stages.map(([name, , at]) => [name, at])).toEqual([
      ['planned', MINUTE],
      ['injected', MINUTE],
      ['probed', MINUTE],
      ['undone', 2 * MINUTE],
      ['probed', 2 * MINUTE],
    ]);
    expect(held.stillOpen()).toEqual([]);
    await held.dispose();
  });
});
