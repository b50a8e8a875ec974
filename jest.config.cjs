/** Plain tests: `npm test`. Suites on real engines have configs of their own. */
module.exports = {
  testEnvironment: 'node',
  // A busy machine must not make a test fail: what has a time limit by the product's promises asserts it itself.
  testTimeout: 120_000,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/(engine|cluster|redis|stores|browser|simulation)/'],
  transform: {
    '^.+\\.[mc]?[tj]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // The sandbox's own Math is a lookup through its global proxy: several times slower where chance is hashed.
  sandboxInjectedGlobals: ['Math'],
  transformIgnorePatterns: ['/node_modules/(?!(@bsull/augurs|pure-rand|echarts|zrender)/)'],
};
