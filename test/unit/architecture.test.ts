import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { readdirSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);
const cruiser = `${root}node_modules/.bin/depcruise`;
const { forbidden } = require('../../.dependency-cruiser.cjs') as { forbidden: readonly { name: string }[] };

interface Dependency {
  /** As the import writes it. */
  readonly module: string;
  readonly resolved: string;
  readonly dependencyTypes: readonly string[];
}

interface Cruise {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly Dependency[] }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** The check itself, as `npm run check` runs it, with its findings as JSON. */
function cruise(...more: readonly string[]): Promise<Cruise> {
  const options = ['--progress', 'none', '--output-type', 'json'];
  return new Promise((resolve, reject) => {
    const args = [cruiser, ...options, ...more];
    execFile(process.execPath, args, { cwd: root, maxBuffer: 2 ** 28 }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('no answer'));
      else resolve(JSON.parse(stdout));
    });
  });
}

const nameIn = (path: string) => (path.split('/').at(-1) ?? '').replace(/(-other)?\.ts$/, '');

describe('planted violations', async () => {
  const { violations } = (await cruise('--exclude', '^$', 'test/fixtures/architecture')).summary;

  test.each(forbidden.map(({ name }) => name))('%s fails', (name) => {
    const found = violations.filter(({ rule, from }) => rule.name === name && nameIn(from) === name);
    expect(found.length).toBeGreaterThan(0);
  });

  test('the way to the vault is found through another module', () => {
    const from = 'test/fixtures/architecture/server/server-knows-nothing.ts';
    expect(violations.find((violation) => violation.from === from)).toMatchObject({
      to: 'test/fixtures/architecture/protocol/vault/record-seal.ts',
      rule: { name: 'server-knows-nothing' },
    });
  });

  test('what seals for applications is code of the vault, though the formats beside it are not', () => {
    const from = 'test/fixtures/architecture/server/server-knows-nothing-other.ts';
    expect(violations.filter((violation) => violation.from === from)).toMatchObject([
      {
        to: 'test/fixtures/architecture/protocol/secrets-manager/secret-seal.ts',
        rule: { name: 'server-knows-nothing' },
      },
    ]);
  });

  test('modules without fault are left alone', () => {
    const planted = new Set(forbidden.map(({ name }) => name));
    expect(violations.filter(({ from }) => !planted.has(nameIn(from)))).toEqual([]);
  });
});

describe('the house as it stands', async () => {
  const folders = readdirSync(root).filter((name) => existsSync(`${root}${name}/tsconfig.json`));
  const { modules, summary } = await cruise(...folders);

  test('breaks no rule', () => {
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  });

  test.each(['protocol', 'workers', 'web', 'server', 'gateway'])('%s is really looked at', (folder) => {
    expect(modules.filter(({ source }) => source.startsWith(`${folder}/`)).length).toBeGreaterThan(3);
  });

  test('no chain of imports that runs leads the page to code that holds keys', () => {
    const reached = reachable((source) => source.startsWith('web/'));
    const keys =
      /^(protocol\/(crypto|vault|session|signed|transmission|secrets-manager|foreign-vaults)|workers\/(?!client|api))\//;
    expect([...reached].filter((source) => keys.test(source))).toEqual([]);
  });

  test('no chain of imports that runs leads the server to the vault, workers or gateway', () => {
    const reached = reachable((source) => source.startsWith('server/'));
    expect(
      [...reached].filter((source) =>
        /^(protocol\/(vault|session|secrets-manager\/secret-seal)|workers|gateway|web)\b/.test(source),
      ),
    ).toEqual([]);
  });

  /** All that is loaded into one memory when those modules run: types are gone by then. */
  function reachable(start: (source: string) => boolean): ReadonlySet<string> {
    const bySource = new Map(modules.map((module) => [module.source, module.dependencies]));
    const reached = new Set<string>();
    const visit = (source: string) => {
      if (reached.has(source)) return;
      reached.add(source);
      for (const { module, resolved, dependencyTypes } of bySource.get(source) ?? []) {
        // A worker's address is text: what is behind it runs in the worker.
        const runs = !dependencyTypes.includes('type-only') && !module.endsWith('?worker&url');
        if (runs) visit(resolved);
      }
    };
    for (const { source } of modules) if (start(source)) visit(source);
    return reached;
  }
});
