import { createServer } from 'node:net';

/**
 * Below the range from which the system takes the ports of outgoing connections: there, a client could sit on the port
 * of a node that is down when the node wants it back.
 */
const FIRST = 12_000;
const COUNT = 18_000;

/** Test processes that run at the same time begin at different places. */
let next = (process.pid * 131) % COUNT;

/** Ports of 127.0.0.1 that nobody listens on. Each is given out once by this process. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let tried = 0; found.length < count; tried++) {
    if (tried === COUNT) throw new Error(`there are no ${count} free ports from ${FIRST} on`);
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) found.push(port);
  }
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
