import { faultsOf } from './check.mjs';
import { all, faultOf, find, hang, hash, put, record, remove, takeTime } from './cloud.mjs';
import { behaviours } from './clouds.mjs';
import { Refusal } from './errors.mjs';
import { SdkTypes } from './types.mjs';
import { layered, plain, UNKNOWN } from './values.mjs';

/*
 * Stands in for the providers that are made from a provider of Terraform (gcp, aws, random) and the like: inputs
 * checked against the SDK, values a cloud computes unknown in preview, names unique, some fields fixed for life.
 */

/** Fields of any type that cannot change: the resource is replaced. */
const IMMUTABLE = {
  gcp: /^(name|project|location|region|zone|network|subnetwork|accountId|serviceAccountId|cluster|role|member|repositoryId|format|ipCidrRange|keyRingId|billingAccount|privateClusterConfig\.masterIpv4CidrBlock|nodeConfig\.(machineType|spot|diskType|diskSizeGb))$/,
  aws: /^(bucket|name|url|role|policyArn|budgetType)$/,
  random: /^(?!keepers$).*/,
  'docker-build': /^$/,
};

export function bridged(provider) {
  const types = new SdkTypes(provider);
  const cloud = behaviours(provider);
  let config = {};

  const shapeOf = (type) => {
    const shape = types.shape(type);
    if (shape === undefined)
      throw new Refusal(`unknown resource type ${type}: the SDK of ${provider} does not have it`);
    return shape;
  };

  const computed = (type, inputs, known) => {
    const { inputs: taken, outputs, types: named } = shapeOf(type);
    const entries = Object.entries(outputs)
      .filter(([key, output]) => inputs[key] === undefined && !output.optional && taken[key]?.optional !== false)
      .map(([key, output]) => [key, known(key, output.type, named)]);
    return Object.fromEntries(entries);
  };

  const outcome = async (on, asked, act) => {
    const began = Date.now();
    const fault = faultOf(on, asked.type, asked.name);
    if (fault === 'fail')
      throw new Refusal(`${asked.type} ${asked.name}: the cloud refuses to ${on} it (a fault that was asked for)`);
    if (fault === 'hang') {
      await hang();
      throw new Refusal(`${asked.type} ${asked.name}: ${on} was cancelled`);
    }
    await takeTime();
    const result = act();
    record({
      op: on,
      provider,
      type: asked.type,
      name: asked.name,
      id: result.id ?? asked.id,
      tookMs: Date.now() - began,
    });
    if (fault === 'lost') {
      await hang();
      throw new Refusal(`${asked.type} ${asked.name}: nobody waited for the answer to ${on}`);
    }
    return result;
  };

  return {
    configure: (args) => (config = plain(args)),
    invoke: (token, args) => cloud.invoke(token, args, config),
    check({ type, name, olds, news, seed }) {
      const inputs = { ...news };
      const { inputs: taken } = shapeOf(type);
      for (const key of cloud.named(type)) {
        if (inputs[key] === undefined && taken[key]?.optional === true)
          inputs[key] = olds[key] ?? `${name}-${hash(seed).slice(0, 7)}`;
      }
      return { inputs, failures: [...faultsOf(inputs, shapeOf(type)), ...cloud.faults(type, inputs)] };
    },
    isImmutable: (type, path) => IMMUTABLE[provider].test(path),
    // A name that was given cannot belong to two at once.
    deletesFirst: (type, inputs) => typeof inputs.name === 'string' || typeof inputs.accountId === 'string',
    async create(asked) {
      const { type, inputs } = asked;
      if (asked.preview)
        return {
          id: '',
          outputs: { ...computed(type, inputs, () => UNKNOWN), ...inputs, ...cloud.known(type, plain(inputs)) },
        };
      const seen = plain(inputs);
      return outcome('create', asked, () => {
        const id = cloud.idOf(type, seen, asked.urn, config);
        if (find(provider, type, id) !== undefined) throw new Refusal(`Error 409: ${type} ${id} already exists`);
        cloud.mayCreate?.(type, seen, all(provider));
        const made = {
          ...computed(type, inputs, (key, kind) => cloud.value(type, key, kind, { id, inputs: seen, config })),
          ...cloud.made(type, seen, { id, config }),
        };
        put(provider, { type, id, name: asked.name, properties: { ...made, ...seen } });
        return { id, outputs: layered(made, inputs) };
      });
    },
    async read({ type, id, inputs, outputs }) {
      const found = find(provider, type, id);
      if (found === undefined) return undefined;
      const live = Object.fromEntries(
        Object.keys(inputs).map((key) => [key, keepSecrets(inputs[key], found.properties[key])]),
      );
      return { inputs: live, outputs: { ...outputs, ...found.properties, ...live } };
    },
    async update(asked) {
      const { type, id, olds, inputs } = asked;
      const dropped = Object.keys(shapeOf(type).inputs).filter(
        (key) => inputs[key] === undefined && olds[key] !== undefined,
      );
      const kept = Object.fromEntries(
        Object.entries(olds).filter(
          ([key]) => !dropped.includes(key) || shapeOf(type).outputs[key]?.optional === false,
        ),
      );
      // What the cloud made of it stays, inside of what is given anew as well.
      const outputs = layered({ ...kept, ...cloud.made(type, plain(inputs), { id, config }) }, inputs);
      if (asked.preview) return { outputs };
      return outcome('update', asked, () => {
        const found = find(provider, type, id);
        if (found === undefined) throw new Refusal(`Error 404: ${type} ${id} not found`);
        put(provider, { ...found, properties: plain(outputs) });
        return { id, outputs };
      });
    },
    async delete(asked) {
      await outcome('delete', asked, () => {
        cloud.mayDelete?.(asked.type, asked.id, all(provider), plain(asked.outputs));
        remove(provider, asked.type, asked.id);
        return { id: asked.id };
      });
    },
  };
}

/** The live value, wrapped as the one that was given where it is the same. */
function keepSecrets(given, live) {
  return JSON.stringify(plain(given)) === JSON.stringify(live) ? given : live;
}
