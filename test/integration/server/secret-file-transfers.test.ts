// Files of applications over their addresses: added, sent in a form, fetched; what goes wrong on the way leaves nothing.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../../protocol/bytes.ts';
import { limits } from '../../../protocol/limits.ts';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import {
  sealSecretJson,
  secretFileKeyOf,
  wrapSecretKey,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import {
  announceFile,
  boundary,
  fetchFile,
  formOf,
  localUrl,
  newFile,
  readRecord,
  startUpload,
  upload,
  uploadAnswer,
} from '../../fixtures/secret-file-device.ts';
import { SecretsHouse } from '../../fixtures/secrets-house.ts';

const mib = limits.secrets.fileChunk;
const quota = 64 * mib;
const bytes = (length: number) => new Uint8Array(randomBytes(length));

let open: OpenServer;
beforeAll(
  async () =>
    void (open = await startOpenServer(
      { rates: { secrets: { burst: 1e5, perSecond: 1e5 } } },
      { fileBounds: { largest: 2 ** 31, quota } },
    )),
);
afterAll(() => open.close());

const blobs = () => join(open.server.config.dataFolder, 'files');
/** Chunks in the store, of folders of added files. */
const chunksOnDisk = () =>
  readdirSync(blobs())
    .filter((name) => name.startsWith('a'))
    .flatMap((name) => readdirSync(join(blobs(), name)));

const people = async (editable = true) => {
  const house = await SecretsHouse.open(open);
  const record = await house.record('machine', { direct: { editable } });
  return { house, record, device: await house.device() };
};

describe('a file that an application adds', () => {
  test.each([0, 1, mib - 29, mib - 28, mib - 27, 2 * mib + 3])(
    'is read by every device once it has arrived: %i bytes',
    async (size) => {
      const { house, record, device } = await people();
      const content = bytes(size);
      const before = await readRecord(device, record.uid);
      const file = await announceFile(house, device, record, content);
      const pending = await readRecord(device, record.uid);
      expect(pending.revision).toBe(before.revision + 1);
      expect(pending.files ?? []).toEqual([]);
      expect(await upload(file.url, formOf(file.blob))).toEqual({ status: 201, error: null, message: '' });
      const other = await readRecord(await house.device(), record.uid);
      expect(other.files).toMatchObject([{ fileUid: file.fileUid, thumbnailUrl: null }]);
      const [read] = other.files ?? [];
      if (!read) throw new Error('no file');
      const fetched = await fetchFile(house, record, read);
      expect(fetched).toMatchObject({ name: 'notes.txt', size });
      expect(fetched.content.equals(content)).toBe(true);
    },
  );

  test('is answered with what clients need to send it', async () => {
    const { house, record, device } = await people();
    const { payload } = await newFile(house, record, await readRecord(device, record.uid), bytes(10));
    const { json } = await device.call('add_file', payload);
    expect(json).toEqual({
      url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/api\/rest\/sm\/files\/[\w-]{95}$/),
      parameters: '{}',
      successStatusCode: 201,
    });
  });

  test('waits for the vault with the write that names it', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(10));
    const [write] = await house.writes();
    expect(write).toMatchObject({ kind: 1, base_revision: 1 });
    await upload(file.url, formOf(file.blob));
    const { getSecretFileChunk } = SecretsService.method;
    const chunk = { fileUid: uidBytes(file.fileUid), index: 0 };
    const given = await house.vault.call(getSecretFileChunk, chunk);
    expect(Buffer.compare(given.chunk, file.blob)).toBe(0);
    expect((await house.events()).map(({ name, method }) => `${name} ${method}`)).toContain(
      'app_client_record_update add_file',
    );
  });

  test.each([
    ['python', { boundary: 'x', fields: true, filename: true }],
    ['dotnet', { boundary: '"a-b c"', fields: false, filename: true }],
  ])('may come in the form of %s', async (_name, { boundary: mark, fields, filename }) => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(1000));
    const bare = mark.replaceAll('"', '');
    const form = Buffer.concat([
      Buffer.from(fields ? `--${bare}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n` : ''),
      Buffer.from(`--${bare}\r\nContent-Type: application/octet-stream\r\n`),
      Buffer.from(
        `Content-Disposition: form-data; name="file"${filename ? '; filename="file"' : ''}\r\n\r\n`,
      ),
      file.blob,
      Buffer.from(`\r\n--${bare}--\r\n`),
    ]);
    const type = { 'content-type': `multipart/form-data; boundary=${mark}` };
    expect(await upload(file.url, form, { ...type, 'content-length': String(form.length) })).toMatchObject({
      status: 201,
    });
  });

  test('is refused, and nothing changes, when its record is another than it was read', async () => {
    const { house, record, device } = await people();
    const read = await readRecord(device, record.uid);
    const { payload } = await newFile(house, record, read, bytes(10));
    const code = async (change: object, caller = device) =>
      (await caller.call('add_file', { ...payload, ...change })).error;
    expect(await code({ ownerRecordRevision: read.revision - 1 })).toBe('out_of_sync');
    expect(await code({ ownerRecordUid: newUid() })).toBe('record_uid_not_found');
    expect(await code({ fileRecordUid: 'x' })).toBe('bad_request');
    expect(await code({ fileSize: 27 })).toBe('bad_request');
    expect(await code({ fileSize: limits.secrets.file + 1 })).toBe('bad_request');
    expect(await code({ fileRecordKey: encodeBase64url(bytes(32)) })).toBe('bad_request');
    expect(await code({ linkKey: encodeBase64url(bytes(59)) })).toBe('bad_request');
    expect(await house.writes()).toEqual([]);
    expect(await readRecord(device, record.uid)).toEqual(read);
    expect(await code({})).toBe(null);
    const again = await readRecord(device, record.uid);
    expect(await code({ ownerRecordRevision: again.revision })).toBe('bad_request'); // the same UID
    expect((await readRecord(device, record.uid)).revision).toBe(again.revision);
  });

  test('is refused where the application may only read', async () => {
    const { house, record, device } = await people(false);
    const { payload } = await newFile(house, record, await readRecord(device, record.uid), bytes(10));
    expect(await device.call('add_file', payload)).toMatchObject({ status: 403, error: 'access_denied' });
  });

  test('is refused while a transaction is open for its record', async () => {
    const { house, record, device } = await people();
    const read = await readRecord(device, record.uid);
    await device.update(read, record.key, 'half', { transactionType: 'general' });
    const { payload } = await newFile(house, record, await readRecord(device, record.uid), bytes(10));
    expect(await device.call('add_file', payload)).toMatchObject({ status: 409, error: 'out_of_sync' });
    await device.call('rollback_secret_update', { recordUid: record.uid });
    const { payload: later } = await newFile(house, record, await readRecord(device, record.uid), bytes(10));
    expect((await device.call('add_file', later)).error).toBe(null);
  });

  test('is refused where the record has as many as a record may have: no vault would take it over', async () => {
    const { house, record, device } = await people();
    await announceFile(house, device, record, bytes(10));
    await sql`
      WITH other AS (
        INSERT INTO secret_file (account_uid, file_uid, record_uid, data, size, stored, finished, added, changed_at)
        SELECT account_uid, decode(md5(place::text), 'hex'), record_uid, data, size, stored, true, added, changed_at
        FROM secret_file, generate_series(3, ${limits.filesPerRecord}) place WHERE account_uid = ${house.account}
        RETURNING file_uid
      )
      INSERT INTO secret_file_key (account_uid, record_uid, base_revision, file_uid, wrapped_key, added)
      SELECT account_uid, record_uid, base_revision, other.file_uid, wrapped_key, added
      FROM secret_file_key, other WHERE account_uid = ${house.account}`.execute(open.db);
    await announceFile(house, device, record, bytes(10));
    const { payload } = await newFile(house, record, await readRecord(device, record.uid), bytes(10));
    expect(await device.call('add_file', payload)).toMatchObject({
      ...{ status: 400, error: 'bad_request', message: 'A record has at most 500 files' },
    });
  });

  test("counts for the account's room, which its person reads of", async () => {
    const { house, record, device } = await people();
    const read = await readRecord(device, record.uid);
    const { payload } = await newFile(house, record, read, bytes(10));
    const refusal = await device.call('add_file', { ...payload, fileSize: quota + 1 });
    expect(refusal).toMatchObject({ status: 400, message: 'The files of this account may take 64 MiB' });
  });

  test('is not read any more once an update unlinks it', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(10));
    await upload(file.url, formOf(file.blob));
    const read = await readRecord(device, record.uid);
    const [before] = read.files ?? [];
    const url = localUrl(house, before?.url ?? '');
    expect((await fetch(url)).status).toBe(200);
    await device.update(read, record.key, 'without', { links2Remove: [file.fileUid] });
    expect((await readRecord(device, record.uid)).files ?? []).toEqual([]);
    expect((await fetch(url)).status).toBe(403);
  });
});

describe('an upload', () => {
  test('is taken once', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(mib));
    expect((await upload(file.url, formOf(file.blob))).status).toBe(201);
    const second = await upload(file.url, formOf(bytes(file.blob.length)));
    expect(second).toMatchObject({ status: 400, message: 'The file has been uploaded before' });
    const [read] = (await readRecord(device, record.uid)).files ?? [];
    if (!read) throw new Error('no file');
    expect((await fetchFile(house, record, read)).size).toBe(mib);
  });

  test('is taken from one at a time', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(2 * mib));
    const before = chunksOnDisk().length;
    const slow = startUpload(file.url, { expect: '100-continue' });
    slow.flushHeaders();
    await once(slow, 'continue');
    const form = formOf(file.blob);
    slow.write(form.subarray(0, mib + 4096));
    await expect.poll(() => chunksOnDisk().length, { timeout: 15_000 }).toBeGreaterThan(before);
    const other = await upload(file.url, form);
    expect(other).toMatchObject({ status: 400, message: 'The file is being uploaded already' });
    const answer = uploadAnswer(slow);
    slow.end(form.subarray(mib + 4096));
    expect((await answer).status).toBe(201);
  });

  test('that is cut off leaves nothing, and may be tried again', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(3 * mib));
    const before = chunksOnDisk().length;
    const cut = startUpload(file.url);
    cut.on('error', () => undefined);
    cut.write(formOf(file.blob).subarray(0, 2 * mib));
    await expect.poll(() => chunksOnDisk().length, { timeout: 15_000 }).toBeGreaterThan(before);
    cut.destroy();
    await expect.poll(() => chunksOnDisk().length, { timeout: 15_000 }).toBe(before);
    expect((await readRecord(device, record.uid)).files ?? []).toEqual([]);
    await expect
      .poll(async () => (await upload(file.url, formOf(file.blob))).status, { timeout: 15_000 })
      .toBe(201);
    const [read] = (await readRecord(device, record.uid)).files ?? [];
    if (!read) throw new Error('no file');
    expect((await fetchFile(house, record, read)).size).toBe(3 * mib);
  });

  test.each([
    ['shorter than announced', (blob: Uint8Array) => formOf(blob.subarray(1))],
    ['longer than announced', (blob: Uint8Array) => formOf(Buffer.concat([blob, Buffer.alloc(1)]))],
    ['much longer than announced', (blob: Uint8Array) => formOf(Buffer.concat([blob, blob, blob]))],
    ['without its end', (blob: Uint8Array) => formOf(blob).subarray(0, -boundary.length)],
    ['no form', (blob: Uint8Array) => Buffer.from(blob)],
    ['empty', () => Buffer.alloc(0)],
  ])('that is %s is refused, and leaves nothing', async (_name, change) => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(mib + 500));
    const before = chunksOnDisk().length;
    expect(await upload(file.url, change(file.blob))).toMatchObject({ status: 400, error: 'bad_request' });
    expect(chunksOnDisk()).toHaveLength(before);
    expect((await readRecord(device, record.uid)).files ?? []).toEqual([]);
    expect((await upload(file.url, formOf(file.blob))).status).toBe(201);
  });

  test('of another length than its headers say, or of another type, is refused before it is read', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(100));
    const headers = [{ 'content-length': '50' }, { 'content-type': 'application/octet-stream' }];
    for (const one of headers) {
      const request = startUpload(file.url, one);
      request.flushHeaders();
      expect(await uploadAnswer(request)).toMatchObject({ status: 400 });
      request.destroy();
    }
  });
});

describe("the vault's copy of an attachment", () => {
  test('is read in the place of what an application added under the same UID', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(10));
    await upload(file.url, formOf(file.blob));
    const { startSecretFile, putSecretFileChunk, finishSecretFile } = SecretsService.method;
    const fileUid = uidBytes(file.fileUid);
    const key = secretFileKeyOf(bytes(32), house.vault.accountUid, file.fileUid);
    const blob = bytes(500);
    const data = await sealSecretJson(key, { name: 'taken.txt', size: 472 });
    const start = { fileUid, recordUid: uidBytes(record.uid), size: 500n, data };
    await house.vault.call(startSecretFile, start);
    await house.vault.call(putSecretFileChunk, { fileUid, index: 0, chunk: blob });
    await house.vault.call(finishSecretFile, { fileUid });
    const added = await readRecord(device, record.uid);
    await open.db
      .updateTable('secret_file_key')
      .set({ added: false, wrapped_key: await wrapSecretKey(record.key, key) })
      .where('file_uid', '=', fileUid)
      .execute();
    const [read] = (await readRecord(device, record.uid)).files ?? [];
    const fetched = Buffer.from(await (await fetch(localUrl(house, read?.url ?? ''))).arrayBuffer());
    expect(fetched.equals(blob)).toBe(true);
    expect((await fetch(localUrl(house, added.files?.[0]?.url ?? ''))).status).toBe(403);
  });
});

describe('a download', () => {
  test('may be of a part', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(mib + 1000));
    await upload(file.url, formOf(file.blob));
    const [read] = (await readRecord(device, record.uid)).files ?? [];
    const url = localUrl(house, read?.url ?? '');
    const blob = Buffer.from(file.blob);
    const part = async (range: string) => {
      const response = await fetch(url, { headers: { range } });
      const got = Buffer.from(await response.arrayBuffer());
      return { status: response.status, range: response.headers.get('content-range'), got };
    };
    const middle = await part(`bytes=${mib - 5}-${mib + 5}`);
    expect(middle).toMatchObject({ status: 206, range: `bytes ${mib - 5}-${mib + 5}/${blob.length}` });
    expect(middle.got.equals(blob.subarray(mib - 5, mib + 6))).toBe(true);
    const end = await part('bytes=-7');
    expect(end.got.equals(blob.subarray(-7))).toBe(true);
    expect(await part(`bytes=${blob.length}-`)).toMatchObject({ status: 416 });
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(blob.length)]);
  });

  test('says nothing to caches and pages', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(10));
    await upload(file.url, formOf(file.blob));
    const [read] = (await readRecord(device, record.uid)).files ?? [];
    const { headers } = await fetch(localUrl(house, read?.url ?? ''), {
      headers: { origin: 'https://evil.example' },
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBe(null);
  });

  test('and an upload are good over a restart of the server', async () => {
    const { house, record, device } = await people();
    const file = await announceFile(house, device, record, bytes(10));
    const restarted = await open.restart();
    const moved = (url: string) => restarted.url + new URL(url).pathname;
    expect((await upload(moved(file.url), formOf(file.blob))).status).toBe(201);
  });
});
