import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { RecordingChunkSchema } from '../../../protocol/messages/gen/recording_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { openDatabase } from '../../../server/store/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../server/store/embedded-postgres.ts';
import { migrate, readMigrations } from '../../../server/store/migrate.ts';
import { prepared } from '../../../server/store/prepared.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { putRecord } from '../../fixtures/application.ts';
import { startTestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery';
const ignore = () => undefined;

describe('store', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
    postgres = await startEmbeddedPostgres({ folder });
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const newPool = async (schema: string) => {
    const admin = new pg.Client(postgres.connection);
    await admin.connect();
    await admin.query(`CREATE SCHEMA ${schema}`);
    await admin.end();
    return new pg.Pool({ ...postgres.connection, options: `-c search_path=${schema}` });
  };

  test('a server over DATABASE_URL works like one with a store of its own, and keeps its data over a restart', async () => {
    const { host, user, database } = postgres.connection;
    const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
    let server = await startTestServer({ databaseUrl });
    try {
      const vault = await ApiClient.connect(server.url);
      await vault.register('elsewhere@example.test', password);
      await putRecord(vault, 'one');
      server = await server.restart();
      expect((await vault.call(RecordService.method.sync, {})).records).toHaveLength(1);
    } finally {
      await server.close();
    }
  });

  test('a prepared statement is planned once for each connection, and no other statement is', async () => {
    const statement = prepared('test-double', 'SELECT 2 * $1::integer AS double');
    const { db, close } = await openDatabase(postgres.connection, ignore);
    try {
      await db.connection().execute(async (connection) => {
        for (const given of [4, 5])
          expect((await connection.executeQuery(CompiledQuery.raw(statement, [given]))).rows).toEqual([
            { double: 2 * given },
          ]);
        const { rows } = await sql`SELECT name FROM pg_prepared_statements`.execute(connection);
        expect(rows).toEqual([{ name: 'test-double' }]);
      });
    } finally {
      await close();
    }
  });

  test("acknowledged writes are synchronous, whatever the server's default is", async () => {
    const pool = new pg.Pool(postgres.connection);
    await pool.query("ALTER ROLE sallyport SET synchronous_commit = 'off'");
    await pool.end();
    const { db, close } = await openDatabase(postgres.connection, ignore);
    const { rows } = await sql`SHOW synchronous_commit`.execute(db);
    expect(rows).toEqual([{ synchronous_commit: 'on' }]);
    await close();
  });

  test('what names an account goes with it: the end of an account leaves nothing', async () => {
    const pool = await newPool('owned');
    await migrate(pool, readMigrations());
    const { rows } = await pool.query(
      `SELECT conrelid::regclass::text AS name FROM pg_constraint
       WHERE contype = 'f' AND confrelid = 'owned.account'::regclass AND confdeltype <> 'c'`,
    );
    expect(rows).toEqual([]);
    await pool.end();
  });

  test('of chunks that were stored before it is worked out of which track they are', async () => {
    const pool = await newPool('tracks');
    const all = readMigrations();
    const at = all.findIndex(({ name }) => name.includes('chunk-tracks'));
    await migrate(pool, all.slice(0, at));
    const session = uidBytes(newUid());
    const values = [session, session, session, session, randomBytes(65), session, randomBytes(32), 1, 1];
    await pool.query(
      `INSERT INTO recording (session_uid, record_uid, owner_uid, gateway_uid, gateway_key, opening, chain, started_at, changed_at)
       VALUES (${values.map((_, index) => `$${index + 1}`).join()})`,
      values,
    );
    const places = [0, 1, 127, 128, 16_383, 16_384, 2 ** 20 - 1];
    for (const [number, index] of places.entries()) {
      const header = encodeMessage(RecordingChunkSchema, {
        ...{ sessionUid: session, index, track: (number % 4) + 1, startMs: 1, endMs: 2 },
        ...{ previous: randomBytes(32), signature: randomBytes(64) },
      });
      await pool.query('INSERT INTO recording_chunk VALUES ($1, $2, $3)', [session, index, header]);
    }
    await migrate(pool, all);
    const { rows } = await pool.query('SELECT track FROM recording_chunk ORDER BY index');
    expect(rows.map(({ track }) => track)).toEqual([1, 2, 3, 4, 1, 2, 3]);
    await pool.end();
  });

  test('migrations run once, also when servers start at the same time, and later ones are added to an old store', async () => {
    const pool = await newPool('fresh');
    const all = readMigrations();
    await migrate(pool, all.slice(0, 1));
    await Promise.all([migrate(pool, all), migrate(pool, all), migrate(pool, all)]);
    const { rows } = await pool.query('SELECT number FROM migration ORDER BY number');
    expect(rows.map(({ number }) => number)).toEqual(all.map(({ number }) => number));
    const next = {
      number: all.length + 1,
      name: 'next.sql',
      sql: 'ALTER TABLE account ADD COLUMN later text',
    };
    await migrate(pool, [...all, next]);
    await pool.query('SELECT later FROM account');
    await pool.end();
  });

  test('a store of a newer version, or one made by other files, is left alone', async () => {
    const pool = await newPool('newer');
    const all = readMigrations();
    await migrate(pool, all);
    await expect(migrate(pool, all.slice(0, -1))).rejects.toThrow('use a newer version');
    const changed = all.map((migration) => ({ ...migration, sql: `${migration.sql} ` }));
    await expect(migrate(pool, changed)).rejects.toThrow('differs from the one that made this store');
    await pool.end();
  });

  test('a migration that fails leaves nothing behind', async () => {
    const pool = await newPool('failing');
    const broken = {
      number: 1,
      name: 'broken.sql',
      sql: 'CREATE TABLE half (a integer); SELECT no_such_function()',
    };
    await expect(migrate(pool, [broken])).rejects.toThrow('migration broken.sql failed');
    await expect(pool.query('SELECT * FROM half')).rejects.toThrow();
    await pool.end();
  });
});
