import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Kubernetes object, as untyped as JSON is. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly message?: string };
  /** What the server warns of, one by one. */
  readonly warnings: readonly string[];
}

export interface AskOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** Service account to act as: `namespace:name`. */
  readonly as?: string;
}

const TOKEN = 'administrator';

/**
 * A real Kubernetes API server over a real etcd, without controllers and nodes: what is declared is checked, admitted
 * and kept, and nothing comes of it.
 */
export class ApiServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'api-server-'));
  readonly #children: ChildProcess[] = [];
  readonly #paths = new Map<string, { plural: string; namespaced: boolean }>();
  #port = 0;
  #ca = '';

  /** @throws Error when an engine is not built or does not come up within a minute. */
  static async start(): Promise<ApiServer> {
    const server = new ApiServer();
    try {
      await server.#start();
      return server;
    } catch (error) {
      server.dispose();
      throw error;
    }
  }

  dispose(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** One request; an answer of any status is one. */
  ask(method: string, path: string, { body, contentType = 'application/json', as }: AskOptions = {}): Promise<Answer> {
    const [namespace = '', name = ''] = as?.split(':') ?? [];
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options = {
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      ca: this.#ca,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
        ...(as === undefined
          ? {}
          : {
              'impersonate-user': `system:serviceaccount:${namespace}:${name}`,
              'impersonate-group': ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
            }),
      },
    };
    return new Promise((settle, fail) => {
      const asked = request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', fail);
        response.on('end', () => {
          const answered = Buffer.concat(parts).toString();
          const json = /json/.test(response.headers['content-type'] ?? '');
          settle({
            status: response.statusCode ?? 0,
            body: json ? (JSON.parse(answered) as Answer['body']) : { message: answered },
            warnings: [response.headers['warning'] ?? []].flat().flatMap((line) => line.split(/, (?=299 )/)),
          });
        });
      });
      asked.on('error', fail);
      asked.end(text);
    });
  }

  /** Where an object lives. Kinds are looked up once more when they are new: a definition may have brought them. */
  async pathOf({ apiVersion, kind, metadata }: KubernetesObject, named = true): Promise<string> {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const key = `${apiVersion} ${kind}`;
    for (let attempt = 0; !this.#paths.has(key); attempt++) {
      const { body } = await this.ask('GET', base);
      for (const one of (body['resources'] as { name: string; kind: string; namespaced: boolean }[] | undefined) ?? [])
        if (!one.name.includes('/')) this.#paths.set(`${apiVersion} ${one.kind}`, { ...one, plural: one.name });
      if (attempt === 50) throw new Error(`the API server has no ${key}`);
      if (!this.#paths.has(key)) await pause(100);
    }
    const { plural, namespaced } = this.#paths.get(key)!;
    const inside = namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${base}${inside}/${plural}${named ? `/${metadata.name}` : ''}`;
  }

  /** Server-side apply that refuses unknown fields. */
  async apply(object: KubernetesObject): Promise<Answer> {
    const path = `${await this.pathOf(object)}?fieldManager=test&fieldValidation=Strict`;
    return this.ask('PATCH', path, { body: object, contentType: 'application/apply-patch+yaml' });
  }

  async #start(): Promise<void> {
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    this.#port = port;
    const file = (name: string): string => join(this.#folder, name);
    const engines = enginePath();
    const run = (program: string, args: readonly string[]): void => {
      const child = spawn(program, args, {
        env: { ...process.env, PATH: [...engines, process.env['PATH']].join(':') },
        stdio: 'ignore',
      });
      child.on('error', () => undefined);
      this.#children.push(child);
    };
    const [clients, peers] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    run('etcd', [
      ...['--data-dir', file('etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
      ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
      ...['--initial-cluster', `default=${peers}`],
    ]);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(file('public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(file('tokens.csv'), `${TOKEN},admin,1,"system:masters"\n`);
    run('kube-apiserver', [
      ...[`--etcd-servers=${clients}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'],
      ...[`--cert-dir=${file('certificates')}`, `--token-auth-file=${file('tokens.csv')}`],
      ...['--authorization-mode=RBAC', '--service-cluster-ip-range=10.89.0.0/16'],
      ...['--service-account-issuer=https://kubernetes.default.svc'],
      ...[`--service-account-signing-key-file=${file('key.pem')}`],
      `--service-account-key-file=${file('public.pem')}`,
    ]);
    for (let attempt = 0; ; attempt++) {
      const ready = await this.#isReady(file('certificates/apiserver.crt'));
      if (ready) return;
      if (attempt === 300) throw new Error('the API server did not become ready within a minute');
      await pause(200);
    }
  }

  async #isReady(certificate: string): Promise<boolean> {
    try {
      this.#ca = readFileSync(certificate, 'utf8');
      return (await this.ask('GET', '/readyz')).status === 200;
    } catch {
      // Not there yet.
      return false;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A port nobody listens on just now. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Folders of the engines. @throws Error when they are not built. */
function enginePath(): readonly string[] {
  const { stdout } = spawnSync(process.execPath, [join(__dirname, 'tools/where.mjs')], { encoding: 'utf8' });
  const { path, missing } = JSON.parse(stdout) as { path: string[]; missing: string[] };
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}; run node test/engine/tools/build.mjs`);
  return path;
}
