/** Slots of a Redis Cluster. */
export const SLOTS = 16_384;

/** Of its share of the slots, the part in whose middle a partition's tag has to be. */
const MIDDLE_SHARE = 0.25;

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The slot a key belongs to: CRC16 of its hash tag, or of all of it where it has none. */
export function slotOfKey(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return crc16(Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key)) % SLOTS;
}

/**
 * Hash tag of partition `index` of `count`: `p0`, or `p0` and letters. Its slot lies in the middle of the index-th of
 * `count` equal shares of all slots, so that the partitions are spread over primaries however these have shared them
 * out evenly. Always the same for the same numbers.
 */
export function partitionTag(index: number, count: number): string {
  const share = SLOTS / count;
  const middle = (index + 0.5) * share;
  const reach = Math.max(1, (share * MIDDLE_SHARE) / 2);
  for (let i = 0; ; i += 1) {
    const tag = `p${index}${suffix(i)}`;
    if (Math.abs(slotOfKey(tag) - middle) <= reach) return tag;
  }
}

/** '', a, b, …, z, aa, ab, … */
function suffix(i: number): string {
  let text = '';
  for (let left = i; left > 0; left = Math.floor((left - 1) / LETTERS.length)) {
    text = `${LETTERS.charAt((left - 1) % LETTERS.length)}${text}`;
  }
  return text;
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80_00) === 0 ? crc << 1 : (crc << 1) ^ 0x10_21;
    crc &= 0xff_ff;
  }
  return crc;
}
