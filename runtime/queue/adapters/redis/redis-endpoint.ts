import { ExperimentError, type Problem } from '../../../kernel/errors.js';

/** Where a Redis node listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** How Redis is reached and who comes. */
export interface RedisEndpoint {
  /** One for a single server, some of its nodes for a cluster. */
  readonly nodes: readonly RedisAddress[];
  /** null = the default user. */
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: boolean;
}

const DEFAULT_PORT = 6379;
const FORM = 'redis://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…], or rediss:// for TLS';

/**
 * Reads `redis://user:password@host:port,host:port` or `rediss://…`. Passwords are percent-encoded there, and never
 * shown in an error.
 *
 * @param path what the URL was given as, for the error.
 * @throws ExperimentError USAGE with everything that is wrong.
 */
export function parseRedisUrl(url: string, path: string): RedisEndpoint {
  const match = /^(rediss?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/.exec(url.trim());
  if (match === null) throw wrong([{ path, message: `must be ${FORM}` }]);
  const [, scheme, user, hosts = '', database = ''] = match;
  const problems: Problem[] = [];
  if (database !== '' && database !== '0') {
    const message = 'the queue lives in database 0, the only one a cluster has';
    problems.push({ path, value: `/${database}`, message, hint: 'leave it out' });
  }
  const nodes = hosts.split(',').map((text) => addressOf(text, path, problems));
  const [username, password] = credentialsOf(user, path, problems);
  if (problems.length > 0) throw wrong(problems);
  return { nodes, username, password, tls: scheme === 'rediss' };
}

/** `host:port`, as redirects and the keys of a natMap have it. */
export const addressText = ({ host, port }: RedisAddress): string => `${host}:${port}`;

function addressOf(text: string, path: string, problems: Problem[]): RedisAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || port < 1 || port > 65_535) {
    problems.push({ path, value: `"${text}"`, message: 'a node must be HOST or HOST:PORT, a port 1 to 65535' });
  }
  return { host: match?.[1] ?? match?.[2] ?? '', port };
}

function credentialsOf(user: string | undefined, path: string, problems: Problem[]): [string | null, string | null] {
  if (user === undefined || user === '') return [null, null];
  const colon = user.indexOf(':');
  if (colon < 0) {
    problems.push({ path, message: 'has a user but no password', hint: `write it as ${FORM}` });
    return [null, null];
  }
  try {
    const [name, password] = [user.slice(0, colon), user.slice(colon + 1)].map(decodeURIComponent);
    return [name === undefined || name === '' ? null : name, password ?? null];
  } catch {
    problems.push({ path, message: 'user or password is not percent-encoded right', hint: 'write % as %25' });
    return [null, null];
  }
}

const wrong = (problems: readonly Problem[]): ExperimentError =>
  new ExperimentError('USAGE', 'The address of Redis is not right', problems);
