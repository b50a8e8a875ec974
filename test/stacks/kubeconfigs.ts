import { createServer, type Server } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own, with one file in it; returns the file's path. */
export function fileWith(text: string, name = 'config'): string {
  const file = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), name);
  writeFileSync(file, text);
  return file;
}

/** A kubeconfig (JSON is YAML) with one context. */
export function kubeconfigFor(server: string, context = 'test', cluster: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    clusters: [{ name: context, cluster: { server, ...cluster } }],
    users: [{ name: context, user: {} }],
  });
}

/** An API server that knows nobody. */
export async function strictServer(): Promise<{ readonly address: string; readonly close: () => Promise<void> }> {
  const server: Server = createServer((_, response) => response.writeHead(401).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** An address nobody listens at. */
export async function closedAddress(): Promise<string> {
  const { address, close } = await strictServer();
  await close();
  return address;
}
