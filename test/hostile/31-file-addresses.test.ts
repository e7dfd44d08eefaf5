// An address of a file is all that its holder needs: so it is good for one client, one file, one purpose and an hour, and for
// nothing any more once the client would not read the file itself.
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { systemClock } from '../../server/clock.ts';
import { loadKeyFile } from '../../server/keys/key-file.ts';
import { createLogger } from '../../server/log/logger.ts';
import {
  clientPrint,
  FileTickets,
  ticketMs,
  type FileTicket,
} from '../../server/secrets-manager/file-tickets.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import {
  announceFile,
  formOf,
  newFile,
  localUrl,
  readRecord,
  upload,
} from '../fixtures/secret-file-device.ts';
import { SecretsHouse, type HouseRecord, type SecretsDevice } from '../fixtures/secrets-house.ts';

const bytes = (length: number) => new Uint8Array(randomBytes(length));

const lines: string[] = [];
const log = createLogger('debug', undefined, { write: (line) => void lines.push(line) });
/** Milliseconds that the server is ahead. */
let ahead = 0;
const clock = { ...systemClock, now: () => Date.now() + ahead };
let open: OpenServer;
beforeAll(
  async () =>
    void (open = await startOpenServer(
      { rates: { secrets: { burst: 1e5, perSecond: 1e5 } }, log, clock },
      { trustedProxies: ['127.0.0.1'] },
    )),
);
afterAll(() => open.close());

interface Stored {
  readonly house: SecretsHouse;
  readonly record: HouseRecord;
  readonly device: SecretsDevice;
  readonly url: string;
  readonly fileUid: Uint8Array;
}

async function stored(changes: Parameters<SecretsHouse['device']>[0] = {}): Promise<Stored> {
  const house = await SecretsHouse.open(open);
  const record = await house.record('machine', { direct: { editable: true } });
  const device = await house.device(changes);
  const file = await announceFile(house, device, record, bytes(100));
  await upload(file.url, formOf(file.blob));
  const [read] = (await readRecord(device, record.uid)).files ?? [];
  return { house, record, device, url: localUrl(house, read?.url ?? ''), fileUid: uidBytes(file.fileUid) };
}

const status = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).status;

/** A ticket as the server itself would make it. */
function ticketUrl(
  { house, device, fileUid }: Stored,
  change: Partial<FileTicket>,
  key?: Uint8Array,
): string {
  const tickets = new FileTickets(key ?? loadKeyFile(open.server.config.dataFolder).fileTicketKey);
  const ticket = tickets.issue({
    ...{ purpose: 'read-added', applicationUid: uidBytes(house.application.applicationUid), fileUid },
    ...{ client: clientPrint(device.clientId), expiresAt: Date.now() + 60_000 },
    ...change,
  });
  return `${house.vault.url}/api/rest/sm/files/${ticket}`;
}

test('an address that is over, forged, or for something else gives nothing', async () => {
  const one = await stored();
  const other = await stored();
  expect(await status(ticketUrl(one, {}))).toBe(200);
  const bad = [
    ticketUrl(one, { expiresAt: Date.now() - 1 }),
    ticketUrl(one, {}, randomBytes(32)),
    ticketUrl(one, { purpose: 'send' }),
    ticketUrl(one, { purpose: 'read' }),
    ticketUrl(one, { client: clientPrint(other.device.clientId) }),
    ticketUrl(one, { applicationUid: uidBytes(other.house.application.applicationUid) }),
    ticketUrl(one, { fileUid: other.fileUid }),
    ticketUrl(one, { fileUid: randomBytes(16) }),
    `${one.house.vault.url}/api/rest/sm/files/x`,
  ];
  expect(await Promise.all(bad.map((url) => status(url)))).toEqual(bad.map(() => 403));
});

test('an address, or access, that ends while the store is asked has ended', async () => {
  const one = await stored();
  const access_expires_at = Date.now() + 30 * 60_000;
  const other = await stored();
  await open.db
    .updateTable('client')
    .set({ access_expires_at })
    .where('client_id', '=', other.device.clientId)
    .execute();
  const long = ticketUrl(other, { expiresAt: Date.now() + 24 * 60 * 60_000 });
  for (const url of [one.url, long]) {
    expect(await status(url)).toBe(200);
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = open.db.transaction().execute(async (tx) => {
      await sql`LOCK TABLE secret_file IN ACCESS EXCLUSIVE MODE`.execute(tx);
      held.resolve();
      await asked.promise;
    });
    await held.promise;
    const answer = status(url);
    await expect.poll(waitingForLocks).toBe(1);
    ahead = ticketMs;
    asked.resolve();
    await holding;
    expect(await answer).toBe(403);
    ahead = 0;
    expect(await status(url)).toBe(200);
  }
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::integer AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.execute(open.db);
  return rows[0]?.count ?? 0;
}

test('an address to fetch a file by takes none, and one to send it by gives none', async () => {
  const { house, record, device, url } = await stored();
  expect((await upload(url, formOf(bytes(128)))).status).toBe(403);
  const waiting = await announceFile(house, device, record, bytes(10));
  expect(await status(waiting.url)).toBe(403);
});

test('who is taken a record, a device or an application loses the files at once, whatever addresses there are', async () => {
  const unshared = await stored();
  await unshared.house.unshare(unshared.record.uid);
  expect(await status(unshared.url)).toBe(403);

  const removed = await stored();
  await open.db.deleteFrom('client').where('client_id', '=', removed.device.clientId).execute();
  expect(await status(removed.url)).toBe(403);

  const over = await stored();
  const accessEnds = { access_expires_at: Date.now() - 1 };
  await open.db.updateTable('client').set(accessEnds).where('client_id', '=', over.device.clientId).execute();
  expect(await status(over.url)).toBe(403);

  const trashed = await stored();
  await open.db
    .updateTable('record')
    .set({ deleted: true })
    .where('record_uid', '=', uidBytes(trashed.record.uid))
    .execute();
  expect(await status(trashed.url)).toBe(403);

  const deleted = await stored();
  await open.db
    .deleteFrom('application')
    .where('application_uid', '=', uidBytes(deleted.house.application.applicationUid))
    .execute();
  expect(await status(deleted.url)).toBe(403);
});

test('who may only read by now does not send what was announced before', async () => {
  const house = await SecretsHouse.open(open);
  const record = await house.record('machine', { direct: { editable: true } });
  const device = await house.device();
  const file = await announceFile(house, device, record, bytes(10));
  await open.db.updateTable('secret_share').set({ editable: false }).execute();
  expect(await upload(file.url, formOf(file.blob))).toMatchObject({ status: 403, error: 'access_denied' });
});

test('an address of a device that is bound to one place is good there alone', async () => {
  const { house, url } = await stored({ lockIp: true });
  expect(await status(url)).toBe(200);
  expect(await status(url, { 'x-forwarded-for': '203.0.113.7' })).toBe(403);
  const denied = (await house.events()).filter(({ name }) => name === 'app_client_access_denied');
  expect(denied).toMatchObject([{ method: 'download_file', address: '203.0.113.7' }]);
});

test('a file of another record is not claimed by adding one of its UID', async () => {
  const { house, device, fileUid, url } = await stored();
  const own = await house.record('own', { direct: { editable: true } });
  const read = await readRecord(device, own.uid);
  const { payload } = await newFile(house, own, read, bytes(10));
  const claim = { ...payload, fileRecordUid: uidOf(fileUid) };
  expect(await device.call('add_file', claim)).toMatchObject({ status: 400, error: 'bad_request' });
  expect(await readRecord(device, own.uid)).toEqual(read);
  expect(await status(url)).toBe(200);
});

test('no address is in a line of the log', async () => {
  const { house, record, device, url } = await stored();
  const waiting = await announceFile(house, device, record, bytes(10));
  const tickets = [url, waiting.url].map((one) => new URL(one).pathname.split('/').at(-1) ?? '');
  await status(url);
  await upload(waiting.url, Buffer.from('no form'));
  await upload(url, formOf(bytes(128)));
  const text = lines.join('\n');
  expect(text).toContain('/api/rest/sm/files/:ticket');
  for (const ticket of tickets) expect(text).not.toContain(ticket);
});
