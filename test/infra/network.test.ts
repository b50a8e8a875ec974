import { ClusterNetwork } from '../../infra/network.js';
import { recordResources, resourceOf, settled } from './mocks.js';

const RULES = {
  nodesCidr: '10.0.0.0/20',
  podsCidr: '10.4.0.0/14',
  servicesCidr: '10.8.0.0/20',
  controlPlaneCidr: '172.16.0.0/28',
  authorizedCidrs: [],
};

beforeEach(async () => {
  recordResources();
  new ClusterNetwork('network', { project: 'sample-project', region: 'us-central1', rules: RULES });
  await settled();
});

describe('the network of a cluster', () => {
  test('has no subnetworks but the one that is declared', () => {
    expect(resourceOf('gcp:compute/network:Network').inputs['autoCreateSubnetworks']).toBe(false);
    expect(resourceOf('gcp:compute/subnetwork:Subnetwork').inputs).toMatchObject({
      ipCidrRange: '10.0.0.0/20',
      region: 'us-central1',
    });
  });

  test('gives pods and services ranges of their own', () => {
    expect(resourceOf('gcp:compute/subnetwork:Subnetwork').inputs['secondaryIpRanges']).toEqual([
      { rangeName: 'pods', ipCidrRange: '10.4.0.0/14' },
      { rangeName: 'services', ipCidrRange: '10.8.0.0/20' },
    ]);
  });

  test('lets nodes without public addresses reach Google directly and everything else through its NAT', () => {
    expect(resourceOf('gcp:compute/subnetwork:Subnetwork').inputs['privateIpGoogleAccess']).toBe(true);
    expect(resourceOf('gcp:compute/routerNat:RouterNat').inputs).toMatchObject({
      router: 'network',
      natIpAllocateOption: 'AUTO_ONLY',
      subnetworks: [{ name: 'https://compute/subnetworks/network', sourceIpRangesToNats: ['ALL_IP_RANGES'] }],
    });
  });

  test('gives a node more ports as its agents need them', () => {
    const { inputs } = resourceOf('gcp:compute/routerNat:RouterNat');
    expect(inputs['enableDynamicPortAllocation']).toBe(true);
    // Dynamic allocation excludes endpoint-independent mapping.
    expect(inputs['enableEndpointIndependentMapping']).toBe(false);
    for (const ports of [inputs['minPortsPerVm'], inputs['maxPortsPerVm']]) expect(Math.log2(ports) % 1).toBe(0);
  });
});
