import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../../server/store/embedded-postgres.ts';
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from '../../../server/store/embedded-postgres.ts';

let folder: string;
let running: EmbeddedPostgres[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-test-'));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((store) => store.stop()));
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const store = await startEmbeddedPostgres({ folder, ...options });
  running.push(store);
  return store;
}

async function query(store: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(store.connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.each(['any', 'pinned'] as const)('the embedded store with programs: %s', (programs) => {
  test('keeps what was written over a stop and a second start', async () => {
    const cold = await start({ programs });
    await query(cold, 'CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)');
    await cold.stop();
    expect(await cold.exited).toEqual({ code: 0 });
    const warm = await start({ programs });
    expect(await query(warm, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
  });
});

test(
  'a store is opened only by its own major version, whatever else the machine has',
  { timeout: 60_000 },
  async () => {
    await (await start({ programs: 'pinned' })).stop();
    const again = await start();
    expect(await query(again, 'SHOW server_version')).toEqual([
      { server_version: expect.stringMatching(/^18\./) },
    ]);
    await again.stop();
    writeFileSync(join(folder, 'postgres/PG_VERSION'), '12\n');
    await expect(startEmbeddedPostgres({ folder })).rejects.toThrow(
      /no PostgreSQL 12, which made this store/,
    );
  },
);

test('has no port, a private socket, and a role that is no superuser', async () => {
  const store = await start();
  expect(await query(store, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
  expect(statSync(store.connection.host).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'postgres')).mode & 0o777).toBe(0o700);
  const sql = 'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user';
  expect(await query(store, sql)).toEqual([{ super: false }]);
  expect(await query(store, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
});

test('a second opener is refused with the reason and the first goes on', async () => {
  const first = await start();
  await expect(startEmbeddedPostgres({ folder })).rejects.toThrow(
    `the store in ${folder} is in use by another server`,
  );
  expect(await query(first, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('an interrupted first start leaves nothing in the way', async () => {
  const controller = new AbortController();
  const log = (): void => controller.abort(); // the first line comes before initdb runs
  await expect(startEmbeddedPostgres({ folder, log, signal: controller.signal })).rejects.toThrow(/abort/i);
  expect(existsSync(join(folder, 'postgres'))).toBe(false);
  const store = await start();
  expect(await query(store, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test(
  'a data path longer than a socket name may be gets a short private folder',
  { timeout: 60_000 },
  async () => {
    const store = await start({ folder: join(folder, 'long'.repeat(30)) });
    expect(store.connection.host.length).toBeLessThan(90);
    expect(statSync(store.connection.host).mode & 0o777).toBe(0o700);
    expect(await query(store, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await store.stop();
    expect(existsSync(store.connection.host)).toBe(false);
  },
);

test.runIf(process.getuid?.() === 0)(
  'works below a folder that only root may enter, and not as root',
  { timeout: 60_000 },
  async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const store = await start({ folder: join(closed, 'data') });
    await query(store, 'CREATE TABLE kept (value int)');
    expect(statSync(`/proc/${store.pid}`).uid).not.toBe(0);
  },
);

test('a value that breaks a constraint is not in the log', async () => {
  const lines: string[] = [];
  const store = await start({ log: (line) => lines.push(line) });
  const twice =
    "CREATE TABLE names (name text PRIMARY KEY); INSERT INTO names VALUES ('plain secret'), ('plain secret')";
  await expect(query(store, twice)).rejects.toThrow(/duplicate key/);
  await store.stop();
  expect(lines.join('\n')).toMatch(/duplicate key/);
  expect(lines.join('\n')).not.toMatch(/plain secret/);
});

test('dies with a parent that is killed, loses nothing, and lets the next one in', async () => {
  const parent = startParent();
  const { pid, host } = await parent.ready;
  const writer = new pg.Client({ host, user: 'sallyport', database: 'sallyport' });
  writer.on('error', () => undefined); // the connection ends with the store
  await writer.connect();
  await writer.query('CREATE TABLE acknowledged (value int); INSERT INTO acknowledged VALUES (7)');
  const ended = new Promise<void>((resolve) => writer.on('end', () => resolve()));
  parent.child.kill('SIGKILL');
  await ended;
  const next = await start();
  expect(next.pid).not.toBe(pid);
  expect(await query(next, 'SELECT value FROM acknowledged')).toEqual([{ value: 7 }]);
});

function startParent(): { child: ReturnType<typeof spawn>; ready: Promise<{ pid: number; host: string }> } {
  const module = new URL('../../../server/store/embedded-postgres.ts', import.meta.url).href;
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const store = await startEmbeddedPostgres({ folder: ${JSON.stringify(folder)} });
    console.log(JSON.stringify({ pid: store.pid, host: store.connection.host }));
    setInterval(() => undefined, 1e9);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = once(createInterface({ input: child.stdout }), 'line').then(([line]) =>
    JSON.parse(String(line)),
  );
  return { child, ready };
}
