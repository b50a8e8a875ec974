import { z } from 'zod';
import { count, duration, rate, size } from './quantities.js';

const FAILURE_CLASSES = ['retry', 'final', 'unavailable', 'rate_limited'] as const;

const envName = (description: string): z.ZodType<string> =>
  z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
      'must be the name of an environment variable such as ANTHROPIC_API_KEY, not what it holds',
    )
    .describe(description);

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be the name of a header such as X-Agent-Pool');

const address = (description: string): z.ZodType<string> =>
  z
    .string()
    .refine(isAddress, { message: 'must be an address such as https://agents.example/tasks, without user or password' })
    .describe(description);

const plainName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must begin with a letter and hold letters, digits, _ and - only');

const placeholder = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be lower case letters, digits and _, as in the {name} it stands for');

const failure = z.enum(FAILURE_CLASSES);

const key = z.strictObject({
  env: envName('Environment variable that holds the key; null = the agent has its own, and is told its name only.')
    .nullable()
    .optional(),
  rate: rate('Requests it is good for: no minute sees more.'),
  burst: count('Requests that may come at once after a rest; the minute’s limit holds all the same.', 1, 100_000)
    .optional()
    .meta({ default: 1 }),
});

const provider = z.strictObject({
  keys: z.record(plainName, key).describe('API keys by name, each with its limit. Names are shown, keys never are.'),
  sendAs: z
    .string()
    .min(1)
    .nullable()
    .optional()
    .describe('Environment variable (command) or header (http) in which agents get the key; null = only its name.'),
  concurrency: count('Calls under way at a time; null = no limit.', 1, 100_000).nullable().optional(),
  breaker: z
    .strictObject({
      failures: count('Failures in a row after which it is left alone.', 1, 10_000).optional().meta({ default: 5 }),
      open: duration('For how long, before one request tries it again.', { min: 100 })
        .optional()
        .meta({ default: '30s' }),
    })
    .optional()
    .describe('Circuit breaker.'),
});

const command = z.strictObject({
  preset: z
    .enum(['miyabi'])
    .nullable()
    .optional()
    .describe(
      'miyabi: `miyabi agent run TYPE --issue=N --json` with its exit codes; what is written beside it counts.',
    ),
  run: z
    .array(z.string())
    .min(1)
    .nullable()
    .optional()
    .describe('Program and arguments; no shell comes between. {placeholders} as in a payload.'),
  cwd: z.string().min(1).nullable().optional().describe('Folder it is started in; null = that of the agent.'),
  env: z.record(envName('Name.'), z.string()).optional().describe('Environment of the program. No secrets here.'),
  passEnv: z
    .array(envName('Name.'))
    .optional()
    .describe('Variables of our own environment it gets as well; nothing else is passed on.'),
  output: z
    .enum(['result', 'miyabi', 'none'])
    .nullable()
    .optional()
    .describe(
      'What its standard output holds: a result on the wire, Miyabi’s JSON, or nothing of interest (the exit code alone counts); null = the preset’s, else result.',
    ),
  exitCodes: z
    .record(
      z.string().regex(/^(\d{1,3}|other)$/, 'must be an exit code from 0 to 255, or other'),
      z.enum(['success', ...FAILURE_CLASSES]),
    )
    .nullable()
    .optional()
    .describe('What each exit code comes to; null = the preset’s, else 0 success and every other one retry.'),
  maxOutput: size('Most it may write to standard output.', { min: 1_024, max: 2 ** 30 }).optional(),
  killGrace: duration('From SIGTERM to SIGKILL when its time is over.', { max: 600_000 }).optional(),
  memory: size('Most its whole process tree may hold; null = no limit.', { min: 2 ** 20 })
    .nullable()
    .optional(),
});

const http = z.strictObject({
  url: address('Where tasks are posted to.').nullable().optional(),
  headers: z.record(headerName, z.string()).optional().describe('Headers of every request. No secrets here.'),
  secretHeaders: z
    .record(headerName, envName('Environment variable that holds the value.'))
    .optional()
    .describe('Headers whose values come from environment variables.'),
  statuses: z
    .record(z.string().regex(/^([345]\d\d|[45]xx)$/, 'must be a status such as 409, or 4xx or 5xx'), failure)
    .optional()
    .describe('What an answer with this status comes to.'),
  poll: duration('How often an accepted task (202) is asked about.', { min: 10, max: 3_600_000 }).optional(),
  callback: z
    .strictObject({
      listen: z
        .string()
        .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/, 'must be host:port such as 0.0.0.0:8090')
        .describe('Where results are listened for; port 0 = any.'),
      url: address('The same as the server sees it; null = as listened on.').nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('Lets the server report a result instead of being asked; null = it is asked.'),
  maxResponse: size('Longest answer.', { min: 1_024, max: 2 ** 30 }).optional(),
  connections: count('Connections open at a time.', 1, 65_535).optional(),
  connectTimeout: duration('Longest time to get a connection.', { min: 10 }).optional(),
});

const payload = z.record(z.string(), z.unknown());

/** What people write under `executor`. */
export const executorSection = z.strictObject({
  type: z
    .enum(['simulated', 'command', 'http'])
    .optional()
    .describe('simulated: nobody is called. command: a process per task. http: a request per task.'),
  agentTypes: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe('agent_type of each task type; else its name.'),
  payload: payload
    .optional()
    .describe('Payload of every task; {index}, {task_type} and others in its texts are filled in.'),
  payloads: z.record(z.string(), payload).optional().describe('Payload of one task type, in place of the common one.'),
  values: z
    .record(placeholder, z.array(z.union([z.string(), z.number()])).min(1))
    .optional()
    .describe('Lists for {placeholders} of your own: the n-th task gets the entry n mod length.'),
  command: command.optional().describe('The program (type: command).'),
  http: http.optional().describe('The server (type: http).'),
  providers: z
    .record(plainName, provider)
    .optional()
    .describe('Providers of models with their API keys, in the order in which they are asked.'),
});

/** What every placeholder stands for; those of `values` come on top. */
export const PLACEHOLDERS = ['index', 'task_id', 'task_type', 'agent_type', 'priority', 'attempt', 'seed'] as const;

/** Defaults as people write them. */
export const EXECUTOR_DEFAULTS = {
  type: 'simulated',
  agentTypes: {},
  payload: {},
  payloads: {},
  values: {},
  command: {
    preset: null,
    run: null,
    cwd: null,
    env: {},
    // A program gets what programs need; what else our environment holds is none of its business.
    passEnv: ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'],
    output: null,
    exitCodes: null,
    maxOutput: '1Mi',
    killGrace: '5s',
    memory: null,
  },
  http: {
    url: null,
    headers: {},
    secretHeaders: {},
    statuses: {
      '408': 'retry',
      '409': 'retry',
      '425': 'retry',
      '429': 'rate_limited',
      '4xx': 'final',
      '5xx': 'unavailable',
    },
    poll: '2s',
    callback: null,
    maxResponse: '1Mi',
    connections: 64,
    connectTimeout: '10s',
  },
  providers: {},
};

/**
 * Miyabi's command line (its AI_AGENT_USAGE.md): 0 success, 1 general, 2 configuration (GITHUB_TOKEN), 3 validation
 * (arguments), 4 network (GitHub unreachable), 5 authentication. Its agents by task type are a choice of ours.
 */
export const MIYABI = {
  run: ['miyabi', 'agent', 'run', '{agent_type}', '--issue={issue}', '--json'],
  env: { MIYABI_AUTO_YES: '1' },
  passEnv: ['GITHUB_TOKEN'],
  output: 'miyabi',
  exitCodes: {
    '0': 'success',
    '1': 'retry',
    '2': 'final',
    '3': 'final',
    '4': 'unavailable',
    '5': 'final',
    other: 'retry',
  },
  agentTypes: {
    code_generation: 'codegen',
    code_review: 'review',
    test_execution: 'review',
    documentation: 'codegen',
    lightweight: 'issue',
  },
} as const;

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}
