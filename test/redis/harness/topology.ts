/** Slots of a Redis Cluster. */
export const SLOTS = 16_384;

/** A node as a line of CLUSTER NODES tells it. */
export interface NodeView {
  readonly id: string;
  /** Port of clients. */
  readonly port: number;
  readonly flags: ReadonlySet<string>;
  /** Id of the primary it follows; null for a primary. */
  readonly primaryId: string | null;
  readonly configEpoch: number;
  /** The asked node's connection to it stands. */
  readonly connected: boolean;
  /** Ranges of slots, both ends included; slots under migration left out. */
  readonly slots: ReadonlyArray<readonly [from: number, to: number]>;
}

/** @param text answer to CLUSTER NODES */
export function parseNodes(text: string): readonly NodeView[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [id = '', address = '', flags = '', primary = '-', , , epoch = '0', link = '', ...slots] = line.split(' ');
      return {
        id,
        port: Number(/:(\d+)/.exec(address)?.[1]),
        flags: new Set(flags.split(',')),
        primaryId: primary === '-' ? null : primary,
        configEpoch: Number(epoch),
        connected: link === 'connected',
        slots: slots.filter((range) => !range.startsWith('[')).map(rangeOf),
      };
    });
}

function rangeOf(text: string): readonly [number, number] {
  const [from = NaN, to = from] = text.split('-').map(Number);
  return [from, to];
}

/** Whether the node serves the slot, if it is what it says. */
export const holds = (view: NodeView, slot: number): boolean =>
  view.primaryId === null && view.slots.some(([from, to]) => from <= slot && slot <= to);

/** Nobody suspects it. */
export const isFine = ({ flags, connected }: NodeView): boolean =>
  connected && !['fail', 'fail?', 'handshake', 'noaddr'].some((flag) => flags.has(flag));
