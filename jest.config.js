/** Tests are transformed by swc, which does not type-check: `npm run types` is its own step. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.(ts|js)$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // Dependencies that are ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!parse-duration/)', '/dist/'],
  moduleNameMapper: {
    // A thread runs built code: it is not transformed.
    '^\\./compute-entry\\.js$': '<rootDir>/test/support/compute-entry.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testTimeout: 30_000,
};
