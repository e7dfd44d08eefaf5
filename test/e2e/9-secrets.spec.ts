import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { test, expect } from './house.ts';
import { connect } from './person.ts';
import { machines } from './house.ts';

/** Every form in which a secret of this run could lie around. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    JSON.stringify(secret).slice(1, -1),
  ];
}

function findSecrets(text: string, secrets: Iterable<string>): string[] {
  return [...secrets].filter((secret) => formsOf(secret).some((form) => text.includes(form)));
}

test('no log and no row of the database holds a secret of this run', async ({ house }) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  const { privateKey } = installation.target;
  for (const line of privateKey.split('\n').filter((text) => text.length > 40 && !text.includes('-----'))) {
    installation.secrets.add(line);
  }
  const logs = installation.readLogs();
  expect(logs.length, 'there are logs to search').toBeGreaterThan(500);
  expect(findSecrets(logs, installation.secrets)).toEqual([]);
  const rows = await dumpDatabase(join(installation.databaseFolder));
  expect(rows, 'the dump is whole').toContain('records');
  expect(findSecrets(rows, installation.secrets)).toEqual([]);
  expect(
    findSecrets(`planted ${[...installation.secrets][0]}`, installation.secrets),
    'the search finds',
  ).toHaveLength(1);
});

/** Every table as text, bytes both as hex and as characters. */
async function dumpDatabase(dataFolder: string): Promise<string> {
  const client = new pg.Client({ host: socketOf(dataFolder), user: 'sallyport', database: 'sallyport' });
  await client.connect();
  const tables = await client.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  const parts: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await client.query(`select * from ${name}`);
    parts.push(name, ...rows.map((row) => Object.values(row).map(textOf).join('\t')));
  }
  await client.end();
  return parts.join('\n');
}

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? `${value.toString('hex')} ${value.toString('latin1')}` : String(value);
}

/** The folder of the private PostgreSQL's socket: the fifth line of its lock file. */
function socketOf(dataFolder: string): string {
  const lines = readFileSync(join(dataFolder, 'store/postgres/postmaster.pid'), 'utf8').split('\n');
  return lines[4] ?? '';
}
