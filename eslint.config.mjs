import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders that run on an injected clock; their `adapters/` hold the I/O and may use promises of their own. */
const DOMAIN_FOLDERS = ['load', 'queue', 'agents', 'coordinator', 'scaling', 'chaos', 'observe'];

const CLOCK_HINT = 'Only runtime/kernel reads time or chance: take a Clock, a number or a Random as a parameter.';
const PROMISE_HINT = 'Virtual time cannot see this promise: use clock.deferred() or clock.sleep().';

const timerGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];

const clockGlobals = [...timerGlobals, 'performance'].map((name) => ({ name, message: CLOCK_HINT }));

const clockProperties = [
  ['Date', 'now'],
  ['Math', 'random'],
  ['process', 'hrtime'],
  ['AbortSignal', 'timeout'],
  ...[...timerGlobals, 'performance'].flatMap((name) => [
    ['globalThis', name],
    ['global', name],
  ]),
].map(([object, property]) => ({ object, property, message: CLOCK_HINT }));

const chanceProperties = [
  { object: 'Math', property: 'random', message: 'A test that draws must be repeatable: use fast-check or Random.' },
];

const clockSyntax = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK_HINT },
  { selector: 'CallExpression[callee.name="Date"]', message: CLOCK_HINT },
];

const promiseSyntax = [
  { selector: 'NewExpression[callee.name="Promise"]', message: PROMISE_HINT },
  { selector: 'MemberExpression[object.name="Promise"][property.name="withResolvers"]', message: PROMISE_HINT },
];

const exportSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name: one thing has one name everywhere.' },
];

const timerModules = ['timers', 'timers/promises', 'perf_hooks'].flatMap((name) => [name, `node:${name}`]);
const clockImports = timerModules.map((name) => ({ name, message: CLOCK_HINT }));

const chanceImports = ['crypto', 'node:crypto'].map((name) => ({
  name,
  importNames: ['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'webcrypto'],
  message: 'A run must be repeatable from its seed: take a Random as a parameter.',
}));

const inDomain = (pattern) => DOMAIN_FOLDERS.map((folder) => `runtime/${folder}/${pattern}`);

export default defineConfig(
  globalIgnores(['node_modules/', 'coverage/', 'results/', 'reports/', '.cache/', 'sdks/', 'dist/']),
  {
    // A rule that can be switched off where it hurts is no rule.
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-else-return': 'error',
      // 1 * SECOND is a quantity with its unit.
      'no-implicit-coercion': ['error', { allow: ['*'] }],
      'no-lonely-if': 'error',
      'no-restricted-syntax': ['error', ...exportSyntax],
      'no-unneeded-ternary': 'error',
      'no-useless-rename': 'error',
      'no-var': 'error',
      'no-void': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'start' }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
    },
  },
  {
    files: ['**/*.{ts,mts,cts}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // Takes a flag for constant although a callback or another turn of the event loop sets it: wrong too often here.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/prefer-nullish-coalescing': 'error',
      '@typescript-eslint/prefer-optional-chain': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // Everything but the kernel, whose business this is: one place to look when time or chance goes wrong.
    files: ['{runtime,stacks,infra,policies}/**/*.ts'],
    ignores: ['runtime/kernel/**'],
    rules: {
      'no-restricted-globals': ['error', ...clockGlobals],
      'no-restricted-imports': ['error', { paths: clockImports }],
      'no-restricted-properties': ['error', ...clockProperties],
      'no-restricted-syntax': ['error', ...exportSyntax, ...clockSyntax],
    },
  },
  {
    files: inDomain('**/*.ts'),
    rules: {
      'no-restricted-globals': [
        'error',
        ...clockGlobals,
        { name: 'crypto', message: 'A run must be repeatable from its seed: take a Random as a parameter.' },
      ],
      'no-restricted-imports': ['error', { paths: [...clockImports, ...chanceImports] }],
    },
  },
  {
    files: inDomain('**/*.ts'),
    ignores: inDomain('adapters/**'),
    rules: { 'no-restricted-syntax': ['error', ...exportSyntax, ...clockSyntax, ...promiseSyntax] },
  },
  {
    files: ['{runtime,stacks,infra,policies}/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }] },
  },
  {
    // Tests may wait, measure and poke; they may not be less repeatable than what they test.
    files: ['test/**/*.ts'],
    rules: {
      'no-console': 'off',
      'no-restricted-properties': ['error', ...chanceProperties],
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // The configurations of the tools themselves, and the scripts that run them.
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: {
      globals: {
        __dirname: 'readonly',
        console: 'readonly',
        module: 'writable',
        performance: 'readonly',
        process: 'readonly',
        require: 'readonly',
      },
    },
    rules: { 'no-console': 'off', 'no-restricted-syntax': 'off' },
  },
);
