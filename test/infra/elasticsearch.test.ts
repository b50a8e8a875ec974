import { Elasticsearch } from '../../infra/elasticsearch.js';
import { recordResources, resourceOf, settled } from './mocks.js';
import { storeArgs } from './store-setup.js';

async function declared() {
  recordResources();
  const elasticsearch = new Elasticsearch('elasticsearch', storeArgs());
  await settled();
  const { spec } = resourceOf('kubernetes:apps/v1:StatefulSet').inputs;
  const env = Object.fromEntries(
    spec.template.spec.containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  return { elasticsearch, spec, env };
}

describe('Elasticsearch', () => {
  test('has half its memory as heap, finds its nodes, and needs nothing privileged', async () => {
    const { spec, env } = await declared();
    expect(env).toMatchObject({
      ES_JAVA_OPTS: '-Xms2048m -Xmx2048m',
      'discovery.seed_hosts': 'elasticsearch-nodes',
      'cluster.initial_master_nodes': 'elasticsearch-0,elasticsearch-1,elasticsearch-2',
      'node.store.allow_mmap': 'false',
    });
    for (const { securityContext } of [...spec.template.spec.initContainers, ...spec.template.spec.containers])
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
  });

  test('asks for a password, encrypts between its nodes, and says how long events are kept', async () => {
    const { elasticsearch, env } = await declared();
    expect(env).toMatchObject({
      'xpack.security.enabled': 'true',
      'xpack.security.transport.ssl.enabled': 'true',
    });
    expect(elasticsearch.connection.env).toMatchObject({ ELASTICSEARCH_RETENTION_DAYS: '90' });
    expect(elasticsearch.connection.secretEnv['ELASTICSEARCH_PASSWORD']?.secret).toBeDefined();
  });
});
