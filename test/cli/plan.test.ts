import { writeFileSync } from 'node:fs';
import { Stage } from './stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => {
  stage.remove();
});

/** Twice the agents it needs, so that there is something to find. */
const GENEROUS = `
phase: 1
agents: 40
duration: 10min
load: { rate: 600/min }
tasks: { types: { quick: { share: 100%, mean: 2s } } }
chaos: { enabled: false }
budget: { max: $50 }
`;

const totalOf = (text: string): number => Number(/^Cost .*: ([\d.]+) USD$/m.exec(text)?.[1]);

describe('plan', () => {
  test('shows the bill part by part beside the document’s, with the share, in 100 columns', async () => {
    const { stdout } = await stage.run('plan', '--phase', '3');
    expect(stdout).toMatch(/^part +quantity +unit +price +USD +document +source$/m);
    expect(stdout).toMatch(/^agent-pool nodes +1,728 +hour +\$0\.111472 +192\.62 +699\.25 +\[1\]$/m);
    const share = Number(/That is ([\d.]+) % of \$/.exec(stdout)?.[1]);
    expect(share).toBeGreaterThan(30);
    expect(share).toBeLessThanOrEqual(50);
    expect(stdout).toContain('Model calls cost nothing here');
    const bill = stdout.slice(stdout.indexOf('Cost at the floor'));
    for (const line of bill.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('takes the agents of a rehearsal of the same experiment, and of no other', async () => {
    writeFileSync(stage.path('small.yaml'), GENEROUS);
    const config = ['--config', 'small.yaml'];
    expect((await stage.run('start', ...config, '--target', 'rehearsal', '--report=false')).exitCode).toBe(0);
    const rehearsed = (await stage.run('plan', ...config)).stdout;
    expect(rehearsed).toContain('Cost on the rehearsed agent curve');
    expect(rehearsed).toMatch(/Agents as in results\/phase-1-rehearsal-/);
    const other = (await stage.run('plan', ...config, '--seed', '7')).stdout;
    expect(other).toContain('Cost at the floor');
    expect(other).toContain('No rehearsal of this very experiment');
  });

  test('prices the deployment that is written beside the experiment, and refuses a faulty one', async () => {
    const plan = async (deployment: string): Promise<{ exitCode: number; stdout: string; stderr: string }> => {
      const experiment = GENEROUS.trim().replaceAll('\n', '\n    ');
      const text = `config:\n  agent-experiment:experiment:\n    ${experiment}\n  agent-experiment:deployment:\n    ${deployment}\n`;
      stage.write('own.yaml', text);
      return stage.run('plan', '--config', 'own.yaml');
    };
    const full = await plan('archive: { retain: true }');
    const small = await plan('stores: { postgres: { instances: 1 } }');
    expect(totalOf(small.stdout)).toBeLessThan(totalOf(full.stdout));
    const existing = await plan('{ platform: existing, image: { repository: registry.example/x } }');
    expect(existing.stdout).toContain('Not in the bill: nodes, disks and network of the existing cluster.');
    expect(existing.stdout).toContain('On a cluster of its own, sized as in the document and on demand, it would be $');
    const wrong = await plan('stores: { redis: { nodes: 7 } }');
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toContain('stores.redis.nodes');
  });
});

describe('plan --optimize', () => {
  test('finds fleets that pass and are cheaper than the present one, and shows them beside the document', async () => {
    writeFileSync(stage.path('small.yaml'), GENEROUS);
    const { exitCode, stdout } = await stage.run('plan', '--config', 'small.yaml', '--optimize', '--json');
    expect(exitCode).toBe(0);
    const { optimum } = JSON.parse(stdout) as {
      optimum: { present: Found; best: Found[]; kept: Found | null; rehearsals: number };
    };
    expect(optimum.best.length).toBeGreaterThan(0);
    for (const { bill, trial } of optimum.best) {
      expect(trial.verdict).toBe('PASS');
      expect(bill.totalUsd).toBeLessThanOrEqual(optimum.present.bill.totalUsd);
    }
    const bills = optimum.best.map(({ bill }) => bill.totalUsd);
    expect(bills).toEqual([...bills].sort((a, b) => a - b));
    expect(optimum.kept?.fleet.agents ?? 40).toBeGreaterThanOrEqual(40);
  });

  test('has nothing to search on an existing cluster', async () => {
    const platform = `  agent-experiment:deployment: { platform: existing, image: { repository: registry.example/x } }`;
    const experiment = GENEROUS.trim().replaceAll('\n', '\n    ');
    stage.write('own.yaml', `config:\n  agent-experiment:experiment:\n    ${experiment}\n${platform}\n`);
    const { exitCode, stderr } = await stage.run('plan', '--config', 'own.yaml', '--optimize');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('the nodes of an existing cluster have no price here');
  });
});

interface Found {
  readonly fleet: { readonly agents: number };
  readonly bill: { readonly totalUsd: number };
  readonly trial: { readonly verdict: string };
}
