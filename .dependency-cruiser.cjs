/**
 * Who may import whom (docs/architecture.md). `test/hygiene/dependencies.test.ts` breaks each rule once and sees it
 * reported.
 */
const DOMAIN = 'load|queue|agents|coordinator|scaling|chaos|observe';
const inDomain = `^runtime/(${DOMAIN})/`;
const adapters = `^runtime/(${DOMAIN})/adapters/`;

/** What the domain folders show each other: ports and the types that travel through them. */
const PORTS = [`^runtime/(${DOMAIN})/port\\.ts$`, '^runtime/queue/task\\.ts$', '^runtime/observe/(events|data)\\.ts$'];

/** Packages that only calculate: no timers, no I/O. */
const PURE_PACKAGES = '^node_modules/@bsull/augurs/';

/** Everything of ours that is deployed or run; not the tests. */
const OURS = '^(runtime|stacks|infra|policies)/';

/** Modules of Node that read or wait for the world outside. */
const IO_MODULES =
  '^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|os|perf_hooks|process|readline|repl|timers|tls|tty|v8|vm|worker_threads|zlib)(/|$)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'kernel-imports-nothing-of-ours',
      comment: 'The kernel is the ground everything stands on.',
      severity: 'error',
      from: { path: '^runtime/kernel/' },
      to: { path: OURS, pathNot: '^runtime/kernel/' },
    },
    {
      name: 'spec-imports-kernel-only',
      comment: 'What an experiment is does not depend on how it is run.',
      severity: 'error',
      from: { path: '^runtime/spec/' },
      to: { path: OURS, pathNot: '^runtime/(spec|kernel)/' },
    },
    {
      name: 'cost-imports-spec-only',
      comment: 'Pulumi program, policies and CLI share the estimator: it is pure and takes the agent curve as data.',
      severity: 'error',
      from: { path: '^runtime/cost/' },
      to: { path: OURS, pathNot: '^runtime/(cost|spec|kernel)/' },
    },
    {
      name: 'deployment-imports-spec-and-cost-only',
      comment: 'A deployment is declared from the spec; it does not run the experiment.',
      severity: 'error',
      from: { path: '^(stacks|infra|policies)/' },
      to: {
        path: OURS,
        // What a rehearsal left is read for the bill among the outputs.
        pathNot: ['^runtime/(spec|cost|kernel)/', '^runtime/record/rehearsed-curve\\.ts$', '^(stacks|infra|policies)/'],
      },
    },
    {
      name: 'infra-and-policies-are-composed-by-stacks',
      comment: 'A component does not know the policies it is judged by, nor a policy the components.',
      severity: 'error',
      from: { path: '^(infra|policies)/' },
      to: { path: '^(stacks|infra|policies)/', pathNot: '^$1/' },
    },
    {
      name: 'runtime-does-not-import-the-deployment',
      severity: 'error',
      from: { path: '^runtime/' },
      to: { path: '^(stacks|infra|policies)/' },
    },
    {
      name: 'domain-meets-domain-at-ports',
      comment: 'A domain folder sees port.ts, queue/task.ts, observe/events.ts and observe/data.ts of the others.',
      severity: 'error',
      from: { path: inDomain },
      to: { path: inDomain, pathNot: ['^runtime/$1/', ...PORTS] },
    },
    {
      name: 'domain-stays-below-the-shell',
      comment:
        'Domain folders import kernel, spec and ports; who records, reports, shows or steers them is not theirs.',
      severity: 'error',
      from: { path: inDomain },
      to: { path: '^runtime/', pathNot: [`^runtime/(kernel|spec|${DOMAIN})/`] },
    },
    {
      name: 'domain-has-no-io',
      comment: 'I/O lives in adapters/: a domain module that reads a file or a timer does not run in virtual time.',
      severity: 'error',
      from: { path: inDomain, pathNot: adapters },
      to: { path: IO_MODULES, dependencyTypes: ['core'] },
    },
    {
      name: 'domain-uses-pure-packages-only',
      comment: 'A library may have timers or I/O of its own: it is used in adapters/, or behind the kernel.',
      severity: 'error',
      from: { path: inDomain, pathNot: adapters },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: PURE_PACKAGES },
    },
    {
      name: 'ports-do-not-import-adapters',
      comment: 'Only whoever composes a run chooses an adapter.',
      severity: 'error',
      from: { path: inDomain, pathNot: adapters },
      to: { path: adapters },
    },
    {
      name: 'spec-and-cost-have-no-io',
      comment: 'Pure: the Pulumi program, the policies and the CLI get the same answer from the same data.',
      severity: 'error',
      from: { path: '^runtime/(spec|cost)/' },
      to: { path: IO_MODULES, dependencyTypes: ['core'] },
    },
    {
      name: 'report-is-made-from-data',
      comment: 'A report is rebuilt from what was recorded: it needs no running part.',
      severity: 'error',
      from: { path: '^runtime/report/' },
      to: { path: '^runtime/', pathNot: ['^runtime/(report|spec|kernel|observe|cost)/', ...PORTS] },
    },
    {
      name: 'shell-reaches-the-domain-through-ports',
      comment: 'Recording, control and dashboard take what targets/ hands them.',
      severity: 'error',
      from: { path: '^runtime/(record|control|dashboard)/' },
      to: { path: inDomain, pathNot: [...PORTS, '^runtime/observe/'] },
    },
    {
      name: 'nothing-imports-the-composition-roots',
      comment: 'targets/ puts a run together; only the CLI and the roles, which are parts of one, ask for that.',
      severity: 'error',
      from: { path: OURS, pathNot: '^runtime/(targets|roles|cli)/' },
      to: { path: '^runtime/targets/' },
    },
    {
      name: 'only-the-cli-starts-roles',
      comment: 'A role is a process of its own: others meet it in Redis (the board), or start its process.',
      severity: 'error',
      from: { path: OURS, pathNot: '^runtime/(roles|cli)/' },
      to: { path: '^runtime/roles/', pathNot: '^runtime/roles/(board/|node-flags\\.ts$|redis-connection\\.ts$)' },
    },
    {
      name: 'nothing-imports-the-cli',
      severity: 'error',
      from: { path: OURS, pathNot: '^runtime/cli/' },
      to: { path: '^runtime/cli/' },
    },
    {
      name: 'only-the-cli-opens-the-dashboard',
      severity: 'error',
      from: { path: OURS, pathNot: '^runtime/(cli|dashboard)/' },
      to: { path: '^runtime/dashboard/' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports it and it imports nothing: remove it.',
      severity: 'error',
      from: {
        orphan: true,
        path: OURS,
        pathNot: [
          '\\.d\\.ts$',
          '^runtime/cli/main\\.ts$',
          '^runtime/roles/main\\.ts$',
          '^(stacks|policies)/index\\.ts$',
        ],
      },
      to: {},
    },
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { path: OURS },
      to: { path: '^test/' },
    },
    {
      name: 'product-uses-no-dev-dependency',
      comment: 'It would be missing where the project is installed without its tools.',
      severity: 'error',
      from: { path: OURS },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'only-declared-dependencies',
      comment: 'A package that is here by luck is gone with the next update.',
      severity: 'error',
      // Programs of the engine tests are small projects of their own that borrow our packages.
      from: { pathNot: '^test/engine/programs/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'undetermined'] },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types count as well: a type that travels upwards is a dependency upwards.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['main', 'types'],
    },
  },
};
