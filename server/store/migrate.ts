// Numbered .sql files, forward only, each in a transaction of its own, one server at a time.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';

export type Migration = { readonly number: number; readonly name: string; readonly sql: string };

/** Any constant that nothing else in this database locks. */
const lockKey = 0x5a11_9047;
const folder = join(import.meta.dirname, 'migrations');

/** The migrations of this version, in order. Throws when a number is missing or given twice. */
export function readMigrations(from = folder): Migration[] {
  const migrations = readdirSync(from)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({
      number: Number.parseInt(name, 10),
      name,
      sql: readFileSync(join(from, name), 'utf8'),
    }));
  const wrong = migrations.find(({ number }, index) => number !== index + 1);
  if (wrong) throw new Error(`migration ${wrong.name} is out of order`);
  return migrations;
}

/** Applies what is missing. Throws when the store was changed by a newer version or by other files of this number. */
export async function migrate(pool: pg.Pool, migrations = readMigrations()): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('SET lock_timeout = 0; SET statement_timeout = 0');
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    await client.query(journal);
    await applyMissing(client, migrations);
  } finally {
    client.release(true); // ends the connection, and with it the lock and the settings
  }
}

const journal = `CREATE TABLE IF NOT EXISTS migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

async function applyMissing(client: pg.PoolClient, migrations: readonly Migration[]): Promise<void> {
  const { rows } = await client.query<{ number: number; sha256: string }>(
    'SELECT number, sha256 FROM migration ORDER BY number',
  );
  const newest = rows.at(-1)?.number ?? 0;
  if (newest > migrations.length)
    throw new Error(
      `the store has migration ${newest}, this version knows ${migrations.length}: use a newer version`,
    );
  for (const { number, sha256 } of rows) requireSame(migrations[number - 1], sha256);
  for (const migration of migrations.slice(newest)) await apply(client, migration);
}

function requireSame(migration: Migration | undefined, sha256: string): void {
  if (migration && hashOf(migration) !== sha256)
    throw new Error(`migration ${migration.name} differs from the one that made this store`);
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query('INSERT INTO migration (number, name, sha256) VALUES ($1, $2, $3)', [
      migration.number,
      migration.name,
      hashOf(migration),
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`migration ${migration.name} failed`, { cause: error });
  }
}

function hashOf({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}
