import { ExperimentError, EXIT } from '../../runtime/kernel/errors.js';
import { isStale, PRICED_REGIONS, PRICES, PriceTable } from '../../runtime/cost/price-table.js';

const row = {
  sku: 'box',
  unit: 'hour',
  usd: 1,
  region: 'us-central1',
  purchase: null,
  source: 'list',
  as_of: '2026-01-01',
};
const machine = { sku: 'n2-standard-4', unit: 'hour' } as const;

function thrown(run: () => unknown): ExperimentError {
  try {
    run();
  } catch (error) {
    if (error instanceof ExperimentError) return error;
  }
  throw new Error('expected an ExperimentError');
}

describe('The price table', () => {
  it.each(PRICED_REGIONS)('has the machines of all pools in %s, by Spot and on demand', (region) => {
    for (const sku of ['n2-standard-4', 'n2-standard-8']) {
      for (const purchase of ['on-demand', 'spot'] as const) {
        const price = PRICES.lookup({ sku, unit: 'hour', region, purchase });
        expect(price).toMatchObject({ region, purchase, assumed: false });
        expect(price.usd).toBeGreaterThan(0);
      }
    }
  });

  it('tells the figure of the list with its source and date', () => {
    expect(PRICES.lookup({ ...machine, region: 'us-central1', purchase: 'spot' })).toMatchObject({
      usd: 0.111472,
      asOf: '2026-08-20',
      source: expect.stringContaining('google-cloud-pricing-cost-calculator'),
    });
  });

  it('takes over us-central1’s price, marked as assumed, where a region has none', () => {
    const fee = PRICES.lookup({ sku: 'gke-cluster-management-fee', unit: 'hour', region: 'europe-west4' });
    expect(fee).toMatchObject({ usd: 0.1, region: 'us-central1', assumed: true });
    // The source's rows for Tokyo's first tier were suspect and are left out.
    const egress = { sku: 'internet-egress-premium-0-1TB', unit: 'GiB' };
    expect(PRICES.lookup({ ...egress, region: 'asia-northeast1' })).toMatchObject({ usd: 0.12, assumed: true });
    expect(PRICES.lookup({ ...egress, region: 'europe-west4' })).toMatchObject({ usd: 0.12, assumed: false });
  });

  it('takes over the only price there is, marked as assumed', () => {
    const price = PRICES.lookup({ sku: 's3-standard-storage', unit: 'GB-month', region: 'ap-northeast-1' });
    expect(price).toMatchObject({ usd: 0.023, region: 'us-east-1', assumed: true });
  });

  it('refuses an unknown SKU, a wrong unit, and a choice between foreign regions: never 0', () => {
    const unknown = thrown(() =>
      PRICES.lookup({ sku: 'n9-standard-4', unit: 'hour', region: 'us-central1', purchase: 'spot' }),
    );
    expect(unknown.code).toBe('PRICE_UNKNOWN');
    expect(unknown.exitCode).toBe(EXIT.badInput);
    expect(unknown.message).toContain('has no price for n9-standard-4 (spot) per hour in us-central1');
    expect(thrown(() => PRICES.lookup({ ...machine, unit: 'month', region: 'us-central1' })).code).toBe(
      'PRICE_UNKNOWN',
    );
    const table = PriceTable.parse({
      rows: [
        { ...row, region: 'a' },
        { ...row, region: 'b' },
      ],
    });
    expect(thrown(() => table.lookup({ sku: 'box', unit: 'hour', region: 'c' })).code).toBe('PRICE_UNKNOWN');
  });

  it('names every wrong row of a file', () => {
    const error = thrown(() => PriceTable.parse({ rows: [row, { ...row, usd: 0 }, { ...row, as_of: 'yesterday' }] }));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.problems.map((problem) => problem.path)).toEqual(['prices.rows.1.usd', 'prices.rows.2.as_of']);
  });

  it('calls a price stale after a year', () => {
    expect(isStale({ asOf: '2025-01-01' }, Date.UTC(2026, 0, 1))).toBe(false);
    expect(isStale({ asOf: '2025-01-01' }, Date.UTC(2026, 0, 2))).toBe(true);
    expect(isStale({ asOf: '2026-08-20' }, Date.UTC(2026, 0, 5))).toBe(false);
  });
});
