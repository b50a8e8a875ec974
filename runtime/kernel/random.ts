import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/**
 * A seeded stream of chance. Each module draws from a stream of its own (see {@link RandomStreams}), so that one
 * more draw in one module does not shift the others.
 */
export class Random {
  private readonly generator: { next(): number };
  private spare: number | null = null;

  constructor(seed: number, name: string) {
    const words = [0, 1, 2, 3].map((word) => hash32(seed, fnv1a(name), word));
    this.generator = xoroshiro128plusFromState(words.every((word) => word === 0) ? [1, 0, 0, 0] : words);
  }

  /** Uniform in [0, 1), 53 bits. */
  next(): number {
    const high = this.generator.next() >>> 5;
    const low = this.generator.next() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  /** A whole number, uniform over all 2³². */
  uint32(): number {
    return this.generator.next() >>> 0;
  }

  /** A whole number, uniform in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Exponentially distributed with the given mean. */
  exponential(mean: number): number {
    return -mean * Math.log1p(-this.next());
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * scale;
      return u * scale;
    }
  }

  /** `count` different elements in drawn order; all of them when there are fewer. */
  sample<T>(items: readonly T[], count: number): T[] {
    const pool = [...items];
    const taken = Math.min(count, pool.length);
    for (let i = 0; i < taken; i += 1) {
      const j = i + this.below(pool.length - i);
      [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
    }
    return pool.slice(0, taken);
  }
}

/** Hands out one independent stream per name. */
export class RandomStreams {
  constructor(readonly seed: number) {}

  stream(name: string): Random {
    return new Random(this.seed, name);
  }
}

/**
 * A number in (0, 1) that depends on nothing but its arguments: chance that any process can compute again from the
 * seed and the index of a task.
 */
export function hashUniform(seed: number, index: number, salt: number): number {
  return (hash32(seed, index, salt) + 0.5) / 4_294_967_296;
}

/** Standard normal from two hashed uniforms (Box and Muller 1958). */
export function hashNormal(seed: number, index: number, salt: number): number {
  const radius = Math.sqrt(-2 * Math.log(hashUniform(seed, index, salt)));
  return radius * Math.cos(2 * Math.PI * hashUniform(seed, index, salt + 0x9e37));
}

/** Mixes three words into 32 bits (the finaliser of MurmurHash3, once per word). */
export function hash32(a: number, b: number, c: number): number {
  let h = fmix32((a | 0) ^ 0x2545f491 ^ Math.imul(Math.floor(a / 4_294_967_296) | 0, 0x27d4eb2f));
  h = fmix32(h ^ Math.imul(b | 0, 0x9e3779b1) ^ Math.imul(Math.floor(b / 4_294_967_296) | 0, 0x85ebca77));
  return fmix32(h ^ Math.imul(c | 0, 0xc2b2ae3d)) >>> 0;
}

function fmix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function fnv1a(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
