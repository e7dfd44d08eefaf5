// The one way to PostgreSQL: a bounded pool, the same for the embedded store and for DATABASE_URL.
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { migrate } from './migrate.ts';
import { PreparingClient } from './prepared.ts';
import type { Schema } from './schema.ts';

export type Database = Kysely<Schema>;
export type Tx = Transaction<Schema>;

export type Connection =
  | { readonly host: string; readonly user: string; readonly database: string }
  | { readonly connectionString: string };

export type OpenDatabase = { readonly db: Database; close(): Promise<void> };

const poolSize = 12;
const oldestVersion = 150_000;

/**
 * An acknowledged write is on the disk, whatever the other server's own default is. No query runs for so long that it is
 * worth compiling: of a page of the feed, 130 of 150 ms went into that.
 */
const sessionSettings = [
  '-c synchronous_commit=on',
  '-c jit=off',
  '-c statement_timeout=15000',
  '-c lock_timeout=10000',
  '-c idle_in_transaction_session_timeout=20000',
].join(' ');

/** Opens the pool and brings the schema up to date. Throws when the server is too old or the store is newer than we. */
export async function openDatabase(
  connection: Connection,
  onError: (error: Error) => void,
): Promise<OpenDatabase> {
  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    options: sessionSettings,
    connectionTimeoutMillis: 10_000,
    types: { getTypeParser },
    Client: PreparingClient,
  });
  pool.on('error', onError); // an idle connection broke: the pool replaces it
  try {
    await requireVersion(pool);
    await migrate(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return { db, close: () => db.destroy() };
}

async function requireVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ server_version_num: string }>('SHOW server_version_num');
  const version = Number(rows[0]?.server_version_num);
  if (!(version >= oldestVersion)) throw new Error(`PostgreSQL 15 or later is needed, found ${version}`);
}

/** bigint columns hold milliseconds, revisions and cursors, all far below 2^53. */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8
    ? parseSafeInteger
    : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error('an integer of the store is over 2^53');
  return value;
}
