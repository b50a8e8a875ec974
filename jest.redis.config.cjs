/** Tests on real Redis servers: `npm run test:redis`. One after the other: they measure time. */
const { transform, moduleNameMapper } = require('./jest.config.cjs');

module.exports = {
  testEnvironment: 'node',
  testTimeout: 300_000,
  maxWorkers: 1,
  roots: ['<rootDir>/test/redis'],
  testMatch: ['**/*.test.ts'],
  // Minutes of breaking things: `npm run test:redis:fleet`.
  testPathIgnorePatterns: ['/test/redis/fleet/'],
  transform,
  moduleNameMapper,
};
