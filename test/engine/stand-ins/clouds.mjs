import { Buffer } from 'node:buffer';
import { hash } from './cloud.mjs';
import { Refusal } from './errors.mjs';
import { UNKNOWN } from './values.mjs';

/*
 * What differs from cloud to cloud: ids, values that are made, and what cannot be done. Addresses are of the ranges
 * kept for documentation, so that nothing real is ever reached.
 */

const number = (text) => parseInt(hash(text), 16);

/** A value the cloud makes up, of the right kind and the same each time. */
function madeUp(type, key, kind, { id }) {
  if (kind === 'number') return 1;
  if (kind === 'boolean') return false;
  if (kind.array !== undefined) return [];
  if (kind.map !== undefined || kind.ref !== undefined) return {};
  if (kind.union !== undefined) return madeUp(type, key, kind.union[0], { id });
  return `stand-in-${key}-${hash(`${type} ${id}`)}`;
}

const common = {
  named: () => [],
  faults: () => [],
  known: () => ({}),
  made: () => ({}),
  value: madeUp,
  invoke(token) {
    throw new Refusal(`the stand-in has no answer to ${token}`);
  },
};

const short = (type) => type.split(':')[2];

// ---- Google Cloud ---------------------------------------------------------------------------------------------

/** The name by which a control plane is reached through Google's front door; a cloud makes it. */
function withDnsEndpoint(config, endpoint) {
  if (config?.dnsEndpointConfig === undefined) return {};
  return {
    controlPlaneEndpointsConfig: { ...config, dnsEndpointConfig: { ...config.dnsEndpointConfig, endpoint } },
  };
}

const gcp = {
  ...common,
  named: () => ['name'],
  idOf(type, inputs, urn, config) {
    const project = inputs.project ?? config.project ?? 'default-project';
    const place = inputs.location ?? inputs.region ?? inputs.zone ?? 'global';
    if (inputs.accountId !== undefined)
      return `projects/${project}/serviceAccounts/${inputs.accountId}@${project}.iam.gserviceaccount.com`;
    const own = inputs.name ?? inputs.repositoryId ?? inputs.service;
    const label = own ?? hash(JSON.stringify(Object.entries(inputs).sort()));
    const within = [inputs.cluster, inputs.router]
      .filter((part) => part !== undefined)
      .map((part) => `${String(part).split('/').pop()}/`);
    return `projects/${project}/${place}/${short(type)}/${within.join('')}${label}`;
  },
  known: (type, { accountId, project, controlPlaneEndpointsConfig }) =>
    short(type) === 'Cluster'
      ? withDnsEndpoint(controlPlaneEndpointsConfig, UNKNOWN)
      : short(type) === 'Account' && project !== undefined && project !== UNKNOWN && accountId !== undefined
        ? {
            email: `${accountId}@${project}.iam.gserviceaccount.com`,
            member: `serviceAccount:${accountId}@${project}.iam.gserviceaccount.com`,
          }
        : {},
  made(type, inputs, { id, config }) {
    const project = inputs.project ?? config.project ?? 'default-project';
    const base = { project, selfLink: `https://www.googleapis.com/compute/v1/${id}` };
    if (short(type) === 'Cluster') {
      return {
        ...base,
        endpoint: `192.0.2.${(number(id) % 250) + 1}`,
        masterAuth: {
          clusterCaCertificate: Buffer.from(`certificate of ${id}`).toString('base64'),
          clientCertificate: '',
          clientKey: '',
          clientCertificateConfig: { issueClientCertificate: false },
        },
        masterVersion: '1.34.4-gke.1',
        ...withDnsEndpoint(inputs.controlPlaneEndpointsConfig, `192.0.2.${(number(id) % 250) + 1}`),
      };
    }
    if (short(type) === 'Account') {
      const email = `${inputs.accountId}@${project}.iam.gserviceaccount.com`;
      return { ...base, email, member: `serviceAccount:${email}`, name: id, uniqueId: String(number(id)) };
    }
    return base;
  },
  value: (type, key, kind, about) =>
    key === 'project' ? (about.config.project ?? 'default-project') : madeUp(type, key, kind, about),
  invoke(token, args, config) {
    const project = args.projectId ?? args.project ?? config.project ?? 'default-project';
    if (token.endsWith(':getProject'))
      return {
        id: `projects/${project}`,
        projectId: project,
        number: String(number(project)),
        name: project,
        labels: {},
      };
    if (token.endsWith(':getClientConfig'))
      return {
        id: project,
        project,
        region: config.region ?? 'us-central1',
        zone: '',
        accessToken: 'none',
        defaultLabels: {},
      };
    if (token.endsWith(':getZones'))
      return { id: project, names: ['a', 'b', 'c', 'f'].map((zone) => `${args.region ?? 'us-central1'}-${zone}`) };
    return common.invoke(token);
  },
  mayCreate(type, inputs, others) {
    if (
      short(type) === 'NodePool' &&
      !others.some((one) => short(one.type) === 'Cluster' && named(one, inputs.cluster))
    )
      throw new Refusal(`Error 404: cluster ${inputs.cluster} not found`);
  },
  mayDelete(type, id, others, outputs) {
    if (short(type) === 'Cluster' && outputs.deletionProtection === true)
      throw new Refusal(`Error 400: cluster ${id} is protected against deletion`);
    if (!['Network', 'Subnetwork'].includes(short(type))) return;
    const { name } = outputs;
    const user = others.find((one) =>
      ['network', 'subnetwork'].some(
        (key) =>
          one.type !== type &&
          String(one.properties[key] ?? '')
            .split('/')
            .pop() === name,
      ),
    );
    if (user !== undefined) throw new Refusal(`Error 400: ${id} is already being used by ${user.id}`);
  },
};

const named = (one, reference) =>
  one.properties.name === reference ||
  one.id === reference ||
  one.id.split('/').pop() === String(reference).split('/').pop();

// ---- Amazon ---------------------------------------------------------------------------------------------------

const aws = {
  ...common,
  named: (type) =>
    ['Bucket', 'BucketV2'].includes(short(type))
      ? ['bucket']
      : ['Role', 'Policy', 'RolePolicy', 'Budget'].includes(short(type))
        ? ['name']
        : [],
  idOf(type, inputs, urn) {
    const own = inputs.bucket ?? inputs.name ?? inputs.url ?? hash(urn);
    return short(type) === 'RolePolicy' ? `${inputs.role}:${own}` : String(own);
  },
  made(type, inputs, { id }) {
    if (/^Bucket(V2)?$/.test(short(type))) {
      return {
        arn: `arn:aws:s3:::${id}`,
        bucketDomainName: `${id}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${id}.s3.${inputs.region ?? 'us-east-1'}.amazonaws.com`,
      };
    }
    return { arn: `arn:aws:iam::123456789012:${short(type).toLowerCase()}/${id.replace('https://', '')}` };
  },
  invoke(token, args) {
    if (token.endsWith(':getCallerIdentity'))
      return {
        id: '123456789012',
        accountId: '123456789012',
        arn: 'arn:aws:iam::123456789012:user/test',
        userId: 'test',
      };
    if (token.endsWith(':getRegion')) return { id: 'us-east-1', name: 'us-east-1', region: 'us-east-1' };
    if (token.endsWith(':getPartition')) return { id: 'aws', partition: 'aws', dnsSuffix: 'amazonaws.com' };
    if (token.endsWith(':getPolicyDocument'))
      return {
        id: hash(JSON.stringify(args)),
        json: JSON.stringify({ Version: '2012-10-17', Statement: args.statements ?? [] }),
      };
    return common.invoke(token);
  },
  mayCreate(type, inputs, others) {
    const { bucket } = inputs;
    const exists = others.some((one) => /^Bucket(V2)?$/.test(short(one.type)) && one.id === bucket);
    if (/^Bucket.+/.test(short(type)) && short(type) !== 'BucketV2' && bucket !== undefined && !exists)
      throw new Refusal(`NoSuchBucket: ${bucket} does not exist`);
  },
};

// ---- without a cloud ------------------------------------------------------------------------------------------

const random = {
  ...common,
  idOf: (type, inputs, urn) => hash(`${urn} ${JSON.stringify(inputs)}`),
  made(type, inputs, { id }) {
    const bytes = inputs.byteLength ?? 4;
    const hex = id.repeat(Math.ceil((bytes * 2) / id.length)).slice(0, bytes * 2);
    const prefix = inputs.prefix ?? '';
    if (short(type) === 'RandomId')
      return {
        hex: prefix + hex,
        dec: prefix + BigInt(`0x${hex}`).toString(),
        b64Std: prefix + Buffer.from(hex, 'hex').toString('base64'),
        b64Url: prefix + Buffer.from(hex, 'hex').toString('base64url'),
      };
    const length = inputs.length ?? 16;
    return { result: id.repeat(Math.ceil(length / id.length)).slice(0, length) };
  },
};

const dockerBuild = {
  ...common,
  idOf: (type, inputs, urn) => hash(urn),
  made: (type, inputs, { id }) => {
    const digest = `sha256:${id.repeat(8)}`;
    return { digest, ref: `${inputs.tags?.[0] ?? 'image'}@${digest}`, contextHash: id };
  },
};

/** What is special about a provider's cloud. */
export function behaviours(provider) {
  return { gcp, aws, random, 'docker-build': dockerBuild }[provider];
}
