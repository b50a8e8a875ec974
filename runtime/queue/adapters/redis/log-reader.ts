import { z } from 'zod';
import { Script, type SlotChannel } from './slot-channel.js';
import { StoreFailure, type LogCursor, type LogEntry } from './store.js';

/** Epochs before a cursor whose logs are looked for to be removed: there is one for each promotion. */
const EARLIER_EPOCHS = 32;

/**
 * Entries after the cursor, over the end of an epoch into the next ones: a log that nothing follows is read to its end
 * only when a later epoch has begun.
 */
const READ = new Script(`
local prefix, epoch, id, limit = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local main = redis.call('GET', prefix .. 'm')
if not main then return {} end
local latest = cmsgpack.unpack(main)
local found = {}
while true do
  local entries = redis.call('XRANGE', prefix .. 'log:' .. epoch, '(' .. id, '+', 'COUNT', limit - #found)
  for i = 1, #entries do
    local fields = entries[i][2]
    local row = {entries[i][1], epoch, '', ''}
    for j = 1, #fields, 2 do
      if fields[j] == 'n' then row[3] = fields[j + 1] elseif fields[j] == 'e' then row[4] = fields[j + 1] end
    end
    found[#found + 1] = row
  end
  if #found >= limit or epoch >= latest then
    -- What was read counts once a replica has it. A write of the reader's own stands behind it: WAIT asks for that.
    if #found > 0 then redis.call('SET', prefix .. 'read', found[#found][1]) end
    return found
  end
  epoch, id = epoch + 1, '0'
end
`);

const TRIM = new Script(`
local prefix, epoch = KEYS[1], tonumber(ARGV[1])
redis.call('XTRIM', prefix .. 'log:' .. epoch, 'MINID', ARGV[2])
for earlier = math.max(1, epoch - ${EARLIER_EPOCHS}), epoch - 1 do
  redis.call('UNLINK', prefix .. 'log:' .. earlier)
end
return 1
`);

const rows = z.array(
  z.tuple([
    z.string(),
    z.int(),
    z.coerce.number(),
    z.string().transform((text) => z.array(z.array(z.string())).parse(JSON.parse(text))),
  ]),
);

/** Asks the owner of a partition. @throws StoreFailure */
export type AskOwner = (script: Script, key: string, args: readonly string[]) => Promise<unknown>;

/**
 * Entries of a partition's log after the cursor, at most `limit`, that a replica has.
 *
 * @param channel one that nothing else waits for: its WAIT holds up what comes behind it.
 * @param prefix what the partition's keys begin with.
 * @throws StoreFailure when there is no answer or no replica has them, ZodError when the log holds something else.
 */
export async function readLog(
  channel: SlotChannel,
  prefix: string,
  after: LogCursor,
  limit: number,
): Promise<LogEntry[]> {
  const { epoch, id } = after;
  const args = [String(epoch), id === '' ? '0' : id, String(limit)];
  const { value: reply, durable } = await channel.run(READ, [prefix], () => args, true);
  // What observers are told must not be undone by a promotion.
  if (!durable) throw new StoreFailure('no replica has what the log says', true);
  return rows.parse(reply).map(([entry, of, number, events]) => ({ id: entry, epoch: of, number, events }));
}

/** Removes entries up to the cursor and the logs of earlier epochs. */
export async function trimLog(ask: AskOwner, prefix: string, { epoch, id }: LogCursor): Promise<void> {
  await ask(TRIM, prefix, [String(epoch), following(id)]);
}

/** The least id above this one. */
function following(id: string): string {
  const [ms = '0', number = '0'] = id.split('-');
  return `${ms}-${BigInt(number) + 1n}`;
}
