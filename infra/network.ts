import { Network } from '@pulumi/gcp/compute/network.js';
import { Router } from '@pulumi/gcp/compute/router.js';
import { RouterNat } from '@pulumi/gcp/compute/routerNat.js';
import { Subnetwork } from '@pulumi/gcp/compute/subnetwork.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { NetworkRules } from '../runtime/spec/deployment/deployment.js';

export interface ClusterNetworkArgs {
  /** Google Cloud project id. */
  readonly project: string;
  readonly region: string;
  readonly rules: NetworkRules;
}

/** Name of the subnetwork's range that pods get their addresses from. */
export const PODS_RANGE = 'pods';
/** Name of the subnetwork's range that services get their addresses from. */
export const SERVICES_RANGE = 'services';

/**
 * The network of a VPC-native cluster of private nodes: one subnetwork with ranges for pods and services, and a NAT
 * through which the agents reach the models they call. Nothing in it has a public address of its own.
 */
export class ClusterNetwork extends ComponentResource {
  /** Self link of the network. */
  readonly network: Output<string>;
  /** Self link of the subnetwork of the nodes. */
  readonly subnetwork: Output<string>;
  /** What nodes need before they can pull an image from anywhere but Google. */
  readonly nat: RouterNat;

  constructor(name: string, { project, region, rules }: ClusterNetworkArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ClusterNetwork', name, {}, opts);

    const network = new Network(
      name,
      { project, autoCreateSubnetworks: false, routingMode: 'REGIONAL' },
      { parent: this },
    );

    const subnetwork = new Subnetwork(
      name,
      {
        project,
        region,
        network: network.selfLink,
        ipCidrRange: rules.nodesCidr,
        secondaryIpRanges: [
          { rangeName: PODS_RANGE, ipCidrRange: rules.podsCidr },
          { rangeName: SERVICES_RANGE, ipCidrRange: rules.servicesCidr },
        ],
        // Images and logs then do not pass the NAT, which charges by the byte.
        privateIpGoogleAccess: true,
      },
      { parent: this },
    );

    const router = new Router(name, { project, region, network: network.selfLink }, { parent: this });

    this.nat = new RouterNat(
      name,
      {
        project,
        region,
        router: router.name,
        natIpAllocateOption: 'AUTO_ONLY',
        sourceSubnetworkIpRangesToNat: 'LIST_OF_SUBNETWORKS',
        subnetworks: [{ name: subnetwork.selfLink, sourceIpRangesToNats: ['ALL_IP_RANGES'] }],
        // A node full of agents holds many connections to the same model: 64 ports, the default, are soon used up.
        enableDynamicPortAllocation: true,
        enableEndpointIndependentMapping: false,
        minPortsPerVm: 256,
        maxPortsPerVm: 4_096,
        logConfig: { enable: true, filter: 'ERRORS_ONLY' },
      },
      { parent: this },
    );

    this.network = network.selfLink;
    this.subnetwork = subnetwork.selfLink;
    this.registerOutputs({ network: this.network, subnetwork: this.subnetwork });
  }
}
