import { Influxdb } from '../../infra/influxdb.js';
import { recordResources, resourceOf, settled } from './mocks.js';
import { storeArgs } from './store-setup.js';

describe('InfluxDB', () => {
  test('is set up on its first start with the bucket, the retention of 30 days and a secret token', async () => {
    recordResources();
    const influxdb = new Influxdb('influxdb', storeArgs());
    await settled();
    const { spec } = resourceOf('kubernetes:apps/v1:StatefulSet').inputs;
    expect(spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Delete', whenScaled: 'Delete' });
    const { containers, nodeSelector } = spec.template.spec;
    expect(nodeSelector).toEqual({ role: 'monitoring' });
    expect(containers[0].env).toEqual(
      expect.arrayContaining([
        { name: 'DOCKER_INFLUXDB_INIT_MODE', value: 'setup' },
        { name: 'DOCKER_INFLUXDB_INIT_BUCKET', value: 'experiment' },
        { name: 'DOCKER_INFLUXDB_INIT_RETENTION', value: `${30 * 86_400}s` },
        {
          name: 'DOCKER_INFLUXDB_INIT_ADMIN_TOKEN',
          valueFrom: { secretKeyRef: { name: 'influxdb-auth', key: 'token' } },
        },
      ]),
    );
    expect(influxdb.connection.env['INFLUX_URL']).toBe('http://influxdb.miyabi-experiment.svc:8086');
    expect(influxdb.connection.secretEnv['INFLUX_TOKEN']?.key).toBe('token');
  });
});
