/** The house's walls. docs/architecture.md says why each stands; test/unit/architecture.test.ts sees each fail. */

/** Tests themselves, but not the planted violations that one of them looks at. */
const tests = '^test/(?!fixtures/architecture/)';
const inside = (folder) => `^(test/fixtures/architecture/)?${folder}/`;
const outside = (...allowed) =>
  `^(?!(test/fixtures/architecture/)?(${allowed.join('|')})(/|$))(?!node_modules)(?!.*node_modules)`;

/** Own folders only: `from` may import itself and `allowed`. */
const wall = (from, allowed) => ({
  name: `${from}-walls`,
  severity: 'error',
  from: { path: inside(from) },
  to: {
    path: outside(from, ...allowed),
    dependencyTypesNot: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown', 'unknown'],
  },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      // A cycle that goes through a type is none when the code runs.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    wall('protocol', []),
    wall('workers', ['protocol']),
    wall('web', ['workers/(client|api)\\.ts', 'protocol']),
    wall('server', ['protocol']),
    wall('gateway', ['protocol']),
    {
      name: 'server-knows-nothing',
      comment:
        'Zero knowledge is kept by the import graph: no chain of imports may lead the server to vault-opening code.',
      severity: 'error',
      from: { path: inside('server') },
      to: {
        path: '^(test/fixtures/architecture/)?(protocol/(vault|session|organisation|recording)/|protocol/secrets-manager/secret-seal|workers/)',
        reachable: true,
      },
    },
    {
      name: 'page-holds-no-keys',
      comment: 'The page may know the shapes of vault, crypto, session and transmission code, never run it.',
      severity: 'error',
      from: { path: inside('web') },
      to: {
        path: '^(test/fixtures/architecture/)?protocol/(crypto|vault|session|signed|organisation|recording|transmission|secrets-manager|foreign-vaults)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'protocol-has-no-platform',
      comment: 'protocol/ runs in the page, in workers, in Node: neither DOM nor Node modules.',
      severity: 'error',
      from: { path: inside('protocol') },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-crypto-calls-noble',
      severity: 'error',
      from: { path: '^', pathNot: [inside('protocol/crypto'), tests] },
      to: { path: 'node_modules/@noble' },
    },
    {
      name: 'legacy-crypto-stays-home',
      comment: 'AES-CBC and ECIES without HKDF exist only for the secrets-manager wire format.',
      severity: 'error',
      from: { path: '^', pathNot: [inside('protocol/secrets-manager'), tests] },
      to: { path: 'protocol/secrets-manager/legacy-crypto\\.ts$' },
    },
    {
      name: 'foreign-crypto-stays-home',
      comment: 'AES-CBC with HMAC and PBKDF2 exist only to read the files of other vaults.',
      severity: 'error',
      from: { path: '^', pathNot: [inside('protocol/foreign-vaults'), inside('workers/exchange'), tests] },
      to: { path: 'protocol/foreign-vaults/' },
    },
    {
      name: 'foreign-files-stay-home',
      comment:
        'Readers of foreign files bring parsers and cryptography of their own: the importer alone runs them.',
      severity: 'error',
      from: { path: '^', pathNot: [inside('workers/exchange'), tests] },
      to: { path: 'node_modules/(kdbxweb|saxes|@zip\\.js|@xmldom)/' },
    },
    {
      name: 'nothing-imports-test',
      severity: 'error',
      from: { pathNot: [tests, '^(vitest|playwright)\\.config'] },
      to: { path: tests },
    },
    {
      name: 'protocol-layers',
      comment: 'errors, limits, bytes below crypto; crypto below everything with keys.',
      severity: 'error',
      from: { path: inside('protocol/crypto') },
      to: {
        path: '^(test/fixtures/architecture/)?protocol/(vault|session|signed|organisation|recording|transmission|channel|guacamole|secrets-manager|foreign-vaults|messages)/',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/fixtures/architecture/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'svelte', 'browser', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.svelte', '.json', '.d.ts', '.css'],
    },
  },
};
