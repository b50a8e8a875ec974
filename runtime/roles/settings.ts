import { z } from 'zod';
import { ExperimentError } from '../kernel/errors.js';

/** How Redis is reached. */
export interface RedisSettings {
  /** One for a single server, some of its nodes for a cluster. */
  readonly nodes: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  readonly cluster: boolean;
  /** null = the default user. */
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: boolean;
  /** Where nodes are found that are not where the cluster says they are: `host:port` → address. */
  readonly natMap: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** False = neither WAIT nor reconciliation, so that tasks get lost: to show in tests what these are for. */
  readonly durable: boolean;
}

/** What the process of a role is told by its environment. */
export interface RoleSettings {
  /** Path of the compiled experiment. */
  readonly specFile: string;
  /** Digest of the experiment as whoever starts this process has read and checked it; null = nobody has. */
  readonly specHash: string | null;
  /** Name of this process, unique in the run: the pod's where it is in one. */
  readonly id: string;
  /** Zone label (A, B, …); null = not known to the process itself, but to Kubernetes by the name of its node. */
  readonly zone: string | null;
  readonly node: string | null;
  /** null = it goes by the experiment. */
  readonly runId: string | null;
  /** Address the HTTP servers are bound to: every one in a pod, where the kubelet asks; else this machine only. */
  readonly listenHost: string;
  /** 0 = any free port. */
  readonly healthPort: number;
  /** null = metrics are served on the health port alone. */
  readonly metricsPort: number | null;
  readonly logLevel: z.infer<typeof logLevel>;
  /** null = the process is told of none. */
  readonly redis: RedisSettings | null;
  /** Folder for what an agent writes down of its own work; null = it does not. */
  readonly journalFolder: string | null;
  /** Ends when its standard input does: a child of a run that is gone has nobody to end it. */
  readonly endsWithStdin: boolean;
  /** Values that must not be seen in a log. */
  readonly secrets: readonly string[];
}

const DEFAULT_SPEC_FILE = '/etc/agent-experiment/spec.json';
const DEFAULT_REDIS_PORT = 6379;
/** Variables with these endings hold secrets, those of the stores and of the control API among them. */
const SECRET_NAME = /(PASSWORD|TOKEN|SECRET|SECRET_ACCESS_KEY|API_KEYS?)$/;

const logLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']);
const PORT_MESSAGE = 'must be a port, 0 (any free one) to 65535';
const port = z
  .string()
  .regex(/^\d{1,5}$/, PORT_MESSAGE)
  .transform(Number)
  .refine((value) => value <= 65_535, PORT_MESSAGE);
const yesOrNo = z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');
const nodes = z
  .string()
  .transform((value) => value.split(',').map((node) => node.trim()))
  .pipe(z.array(z.string().transform(readNode)).min(1));

const natMap = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.object({ host: z.string(), port: z.int() })).parse(JSON.parse(text));
  } catch {
    context.addIssue('must be JSON: {"HOST:PORT": {"host": HOST, "port": PORT}, …}');
    return z.NEVER;
  }
});

const environment = z.object({
  SPEC_FILE: z.string().default(DEFAULT_SPEC_FILE),
  SPEC_HASH: z.string().optional(),
  POD_NAME: z.string().optional(),
  POD_IP: z.string().optional(),
  NODE_NAME: z.string().optional(),
  ZONE: z.string().optional(),
  RUN_ID: z.string().optional(),
  LISTEN_HOST: z.string().optional(),
  HEALTH_PORT: port.default(0),
  METRICS_PORT: port.optional(),
  LOG_LEVEL: logLevel.default('info'),
  REDIS_NODES: nodes.optional(),
  REDIS_CLUSTER: yesOrNo.optional(),
  REDIS_USERNAME: z.string().optional(),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_TLS: yesOrNo.default(false),
  REDIS_NAT_MAP: natMap.optional(),
  QUEUE_UNSAFE: yesOrNo.default(false),
  JOURNAL_DIR: z.string().optional(),
  PARENT_PIPE: yesOrNo.or(z.literal('1').transform(() => true)).default(false),
});

/**
 * Reads the environment as the pods have it (`infra/role-environment.ts`), and what there is beyond it on one machine:
 * SPEC_HASH, ZONE, RUN_ID, LISTEN_HOST, LOG_LEVEL, REDIS_CLUSTER, REDIS_TLS. A variable set to nothing is not set.
 *
 * @param fallbackId name of the process where POD_NAME gives none.
 * @throws ExperimentError USAGE with everything that is wrong.
 */
export function readRoleSettings(env: Readonly<Record<string, string | undefined>>, fallbackId: string): RoleSettings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    throw new ExperimentError(
      'USAGE',
      'The environment of this role is not right',
      parsed.error.issues.map(({ path, message }) => {
        const name = String(path[0]);
        return {
          path: name,
          ...(SECRET_NAME.test(name) ? {} : { value: `"${withoutCredentials(set[name] ?? '')}"` }),
          message,
        };
      }),
    );
  }
  const told = parsed.data;
  return {
    specFile: told.SPEC_FILE,
    specHash: told.SPEC_HASH ?? null,
    id: told.POD_NAME ?? fallbackId,
    zone: told.ZONE ?? null,
    node: told.NODE_NAME ?? null,
    runId: told.RUN_ID ?? null,
    listenHost: told.LISTEN_HOST ?? hostFor(told.POD_IP),
    healthPort: told.HEALTH_PORT,
    metricsPort: told.METRICS_PORT === told.HEALTH_PORT ? null : (told.METRICS_PORT ?? null),
    logLevel: told.LOG_LEVEL,
    redis: redisOf(told),
    journalFolder: told.JOURNAL_DIR ?? null,
    endsWithStdin: told.PARENT_PIPE,
    secrets: Object.entries(set).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value as string] : [])),
  };
}

/** A URL where there should be none may hold a password. */
function withoutCredentials(value: string): string {
  return value.replaceAll(/\/\/[^@\s]*@/g, '//…@');
}

function hostFor(podIp: string | undefined): string {
  if (podIp === undefined) return '127.0.0.1';
  return podIp.includes(':') ? '::' : '0.0.0.0';
}

function redisOf(told: z.infer<typeof environment>): RedisSettings | null {
  if (told.REDIS_NODES === undefined) return null;
  return {
    nodes: told.REDIS_NODES,
    // Whoever names several nodes means a cluster.
    cluster: told.REDIS_CLUSTER ?? told.REDIS_NODES.length > 1,
    username: told.REDIS_USERNAME ?? null,
    password: told.REDIS_PASSWORD ?? null,
    tls: told.REDIS_TLS,
    natMap: told.REDIS_NAT_MAP ?? {},
    durable: !told.QUEUE_UNSAFE,
  };
}

/** `host`, `host:port`, `[2001:db8::1]:port`. */
function readNode(node: string, context: z.RefinementCtx): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(node);
  const number = Number(match?.[3] ?? DEFAULT_REDIS_PORT);
  if (match === null || number < 1 || number > 65_535) {
    context.addIssue('must be HOST:PORT, or several with commas between');
    return z.NEVER;
  }
  return { host: match[1] ?? (match[2] as string), port: number };
}
