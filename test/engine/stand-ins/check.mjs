import { isObject, isSecret, UNKNOWN } from './values.mjs';

/**
 * Every way in which inputs do not fit the shape of their resource: required ones that are missing, ones that do not
 * exist, values of another type.
 *
 * @returns {{property: string, reason: string}[]}
 */
export function faultsOf(inputs, shape) {
  return objectFaults(inputs, shape.inputs, shape.types, '');
}

function objectFaults(value, properties, types, prefix) {
  const missing = Object.entries(properties)
    .filter(([name, { optional }]) => !optional && value[name] === undefined)
    .map(([name]) => ({ property: prefix + name, reason: `missing required property '${prefix}${name}'` }));
  const others = Object.entries(value).flatMap(([name, inner]) => {
    if (name.startsWith('__')) return [];
    const path = prefix + name;
    // The SDK writes x_kubernetes_…, manifests and the provider x-kubernetes-….
    const property = properties[name] ?? properties[name.replaceAll('-', '_')];
    if (property === undefined) return [{ property: path, reason: `unknown property '${path}'` }];
    return inner === null && property.optional ? [] : valueFaults(inner, property.type, types, path);
  });
  return [...missing, ...others];
}

function valueFaults(given, type, types, path) {
  const value = isSecret(given) ? given.value : given;
  if (value === UNKNOWN || type === 'any') return [];
  if (type.union !== undefined) {
    const tries = type.union.map((part) => valueFaults(value, part, types, path));
    return tries.find((faults) => faults.length === 0) ?? tries[0];
  }
  if (type.array !== undefined) {
    if (!Array.isArray(value)) return [wrong(path, 'a list', value)];
    return value.flatMap((inner, index) => valueFaults(inner, type.array, types, `${path}[${index}]`));
  }
  if (type.map !== undefined || type.ref !== undefined) {
    if (!isObject(value)) return [wrong(path, 'an object', value)];
    if (type.ref !== undefined) return objectFaults(value, types[type.ref], types, `${path}.`);
    return Object.entries(value).flatMap(([key, inner]) => valueFaults(inner, type.map, types, `${path}["${key}"]`));
  }
  if (type.literal !== undefined) return value === type.literal ? [] : [wrong(path, `'${type.literal}'`, value)];
  return scalarFits(value, type) ? [] : [wrong(path, `a ${type}`, value)];
}

/** Providers take numbers and booleans written as strings, as the bridged ones do. */
function scalarFits(value, type) {
  if (typeof value === type) return true;
  if (type === 'string') return typeof value === 'number' || typeof value === 'boolean';
  if (type === 'number') return typeof value === 'string' && value !== '' && Number.isFinite(Number(value));
  return value === 'true' || value === 'false';
}

function wrong(property, expected, value) {
  return { property, reason: `'${property}' must be ${expected}, got ${JSON.stringify(value)?.slice(0, 80)}` };
}
