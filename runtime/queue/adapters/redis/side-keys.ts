import type { SideKeys } from '../../port.js';
import { slotOfKey } from './key-slot.js';
import { Script, type SlotChannel } from './slot-channel.js';
import { StoreFailure } from './store.js';

/** Keys in the slots of a run's partitions, over the connections that are there for these. */
export class PartitionSideKeys implements SideKeys {
  private readonly scripts = new Map<string, Script>();

  /**
   * @param prefixes what the keys of each partition begin with.
   * @param channels the way to each partition.
   */
  constructor(
    private readonly prefixes: readonly string[],
    private readonly channels: readonly SlotChannel[],
  ) {}

  async run(
    script: string,
    place: string,
    names: readonly string[],
    args: (server: string) => readonly string[],
  ): Promise<unknown> {
    const partition = slotOfKey(place) % this.channels.length;
    const [prefix, channel] = [this.prefixes[partition] as string, this.channels[partition] as SlotChannel];
    const keys = names.map((name) => `${prefix}${name}`);
    const { value, durable } = await channel.run(this.scriptOf(script), keys, args, true);
    if (!durable) throw new StoreFailure('no replica has it in time', false);
    return value;
  }

  private scriptOf(text: string): Script {
    const script = this.scripts.get(text) ?? new Script(text);
    this.scripts.set(text, script);
    return script;
  }
}
