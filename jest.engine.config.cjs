/** Tests on the real Pulumi engine: `npm run test:engine`. One after the other: each is a run of the engine. */
const { transform, moduleNameMapper } = require('./jest.config.cjs');

module.exports = {
  testEnvironment: 'node',
  testTimeout: 300_000,
  maxWorkers: 1,
  roots: ['<rootDir>/test/engine'],
  testMatch: ['**/*.test.ts'],
  transform,
  moduleNameMapper,
};
