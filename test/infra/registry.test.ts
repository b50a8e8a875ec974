import { RuntimeImage } from '../../infra/image.js';
import { ImageRegistry } from '../../infra/registry.js';
import { recordResources, resourceOf, settled, valueOf, type Recorded } from './mocks.js';

const ARGS = {
  project: 'sample-project',
  region: 'us-central1',
  phase: 3,
  nodeAccount: 'nodes@sample-project.iam.gserviceaccount.com',
  labels: { app: 'agent-experiment' },
};

let records: Recorded[];

beforeEach(() => {
  records = recordResources();
});

describe('the image registry', () => {
  test('is one repository a phase, beside the cluster', async () => {
    const { repository } = new ImageRegistry('registry', ARGS);
    expect(await valueOf(repository)).toBe('us-central1-docker.pkg.dev/sample-project/agent-experiment-phase3');
    expect(resourceOf('gcp:artifactregistry/repository:Repository').inputs).toMatchObject({
      location: 'us-central1',
      format: 'DOCKER',
      labels: ARGS.labels,
    });
  });

  test('lets the nodes read, and nobody do anything else', async () => {
    new ImageRegistry('registry', ARGS);
    await settled();
    expect(records.filter(({ type }) => type.includes('Iam')).map(({ inputs }) => inputs)).toEqual([
      {
        project: 'sample-project',
        location: 'us-central1',
        repository: 'agent-experiment-phase3',
        role: 'roles/artifactregistry.reader',
        member: 'serviceAccount:nodes@sample-project.iam.gserviceaccount.com',
      },
    ]);
  });

  test('goes with the stack, images and all', async () => {
    new ImageRegistry('registry', ARGS);
    await settled();
    expect(records.filter(({ opts }) => opts.protect || opts.retainOnDelete)).toEqual([]);
  });
});

describe('the runtime’s image', () => {
  const image = (machineTypes: string[]) =>
    new RuntimeImage('image', { repository: 'registry.example/team', machineTypes });

  test('is pushed to the repository and referred to by digest', async () => {
    expect(await valueOf(image(['n2-standard-4']).reference)).toMatch(
      /^registry\.example\/team\/runtime:latest@sha256:[0-9a-f]{64}$/,
    );
    expect(resourceOf('docker-build:index:Image').inputs['push']).toBe(true);
  });

  test('is not built in a preview', async () => {
    image(['n2-standard-4']);
    await settled();
    expect(resourceOf('docker-build:index:Image').inputs['buildOnPreview']).toBe(false);
  });

  test.each([
    [['n2-standard-8', 'n2-standard-4'], ['linux/amd64']],
    [
      ['n2-standard-8', 'c4a-standard-4'],
      ['linux/amd64', 'linux/arm64'],
    ],
  ])('is built for every architecture among %j', async (machineTypes, platforms) => {
    image(machineTypes);
    await settled();
    expect(resourceOf('docker-build:index:Image').inputs['platforms']).toEqual(platforms);
  });

  test('is built from the root of the repository, which the program lies one folder below', async () => {
    image(['n2-standard-4']);
    await settled();
    expect(resourceOf('docker-build:index:Image').inputs).toMatchObject({
      context: { location: '..' },
      dockerfile: { location: '../Dockerfile' },
    });
  });
});
