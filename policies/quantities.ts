import { parseCpu, parseSize } from '../runtime/spec/units.js';

/** Thousandths of a core of a Kubernetes quantity (`400m`, `2`, 0.5); undefined when it is none. */
export function cpuMilli(value: unknown): number | undefined {
  return quantity(() => parseCpu(value));
}

/** Bytes of a Kubernetes quantity (`1Gi`, `512M`, 1024); undefined when it is none. */
export function memoryBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  // Kubernetes writes decimal multiples without a B: 512M, 1k.
  return quantity(() => parseSize(/^[\d.]+[kMGT]$/.test(text) ? `${text}B` : text));
}

function quantity(parse: () => number): number | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
