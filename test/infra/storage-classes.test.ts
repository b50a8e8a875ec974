import { StorageClasses } from '../../infra/storage-classes.js';
import { recordResources, resourcesOf, settled, valueOf } from './mocks.js';
import { deployment, ON_EXISTING } from './store-setup.js';

const TYPE = 'kubernetes:storage.k8s.io/v1:StorageClass';

describe('storage classes', () => {
  test('on gke are two of our own, bound where the pod runs and gone with the claim', async () => {
    recordResources();
    const classes = new StorageClasses('storage', { deployment: deployment() });
    expect(await valueOf(classes.ssd!)).toBe('experiment-ssd');
    const made = resourcesOf(TYPE).map(({ inputs }) => inputs);
    expect(made.map(({ parameters }) => parameters.type).sort()).toEqual(['pd-balanced', 'pd-ssd']);
    for (const one of made) {
      expect(one).toMatchObject({
        provisioner: 'pd.csi.storage.gke.io',
        volumeBindingMode: 'WaitForFirstConsumer',
        reclaimPolicy: 'Delete',
      });
    }
  });

  test('are not made where the deployment names one, nor on an existing cluster', async () => {
    recordResources();
    const given = new StorageClasses('given', { deployment: deployment({ stores: { storageClass: 'fast' } }) });
    const existing = new StorageClasses('existing', { deployment: deployment(ON_EXISTING) });
    await settled();
    expect([given.ssd, given.balanced]).toEqual(['fast', 'fast']);
    expect([existing.ssd, existing.balanced]).toEqual([undefined, undefined]);
    expect(resourcesOf(TYPE)).toEqual([]);
  });
});
