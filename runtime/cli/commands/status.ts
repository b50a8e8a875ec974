import { EXIT } from '../../kernel/errors.js';
import type { Io } from '../io.js';
import { statusPanel } from '../panel.js';
import { reach, type ControlFlags } from './control.js';

export interface StatusFlags extends ControlFlags {
  readonly json?: true;
}

/** One look at a live run. */
export async function status(flags: StatusFlags, io: Io): Promise<number> {
  const { client } = await reach(flags, io);
  const seen = await client.status();
  if (flags.json === true) io.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  else io.stdout.write(`${statusPanel(seen, io.stdout.columns).join('\n')}\n`);
  return EXIT.met;
}
