import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { RecordService, type SyncResponse } from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf, uidText } from '../../fixtures/api-client.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const { sync } = RecordService.method;

describe('records', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());

  const registered = async () => {
    const client = await ApiClient.connect(server.url);
    await client.register(`user${count++}@example.test`, 'correct horse battery');
    return client;
  };
  const change = (text: string, recordUid = uidBytes(newUid()), baseRevision = 0n) => ({
    recordUid,
    baseRevision,
    sealedKey: envelopeOf('key'),
    sealedData: envelopeOf(text),
    policy: { connections: true, launchUntilMs: 0n, maxSessions: 3 },
  });

  test('what was put comes back from sync, byte for byte, with its policy', async () => {
    const client = await registered();
    const one = change('one');
    const { revisions, cursor } = await client.putRecords([one, change('two')]);
    expect(revisions.map(({ revision }) => revision)).toEqual([1n, 1n]);
    const page = await client.call(sync, {});
    expect(page.records).toHaveLength(2);
    expect(page.cursor).toBe(cursor);
    expect(page.hasMore).toBe(false);
    const first = page.records.find(({ recordUid }) => uidText(recordUid) === uidText(one.recordUid));
    expect(first?.sealedData).toEqual(one.sealedData);
    expect(first?.policy).toMatchObject({ connections: true, maxSessions: 3 });
    expect(uidText(first?.ownerUid ?? new Uint8Array())).toBe(client.accountUid);
    const nothing = await client.call(sync, { cursor });
    expect(nothing).toMatchObject({ records: [], cursor, hasMore: false });
  });

  test('a stale revision changes nothing, not even the other changes of its request', async () => {
    const client = await registered();
    const one = change('one');
    await client.putRecords([one]);
    await client.putRecords([change('newer', one.recordUid, 1n)]);
    const before = await client.call(sync, {});
    const changes = [change('fresh'), change('stale', one.recordUid, 1n)];
    await expect(client.putRecords(changes)).rejects.toMatchObject({ code: 'conflict' });
    await expect(client.putRecords([change('again', one.recordUid)])).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await client.call(sync, {})).toEqual(before);
    expect(before.records).toMatchObject([{ revision: 2n }]);
  });

  test('an account sees and changes its own records alone', async () => {
    const [owner, stranger] = [await registered(), await registered()];
    const one = change('one');
    await owner.putRecords([one]);
    expect((await stranger.call(sync, {})).records).toHaveLength(0);
    for (const [baseRevision, code] of [
      [0n, 'conflict'],
      [1n, 'not-found'],
    ] as const) {
      const changes = [change('mine', one.recordUid, baseRevision)];
      await expect(stranger.putRecords(changes)).rejects.toMatchObject({ code });
    }
  });

  test('sync pages by count and by size, and every record comes once', async () => {
    const client = await registered();
    const large = () => ({ ...change('large'), sealedData: envelopeOf('x'.repeat(250_000)) });
    for (let i = 0; i < 2; i++) await client.putRecords(Array.from({ length: 8 }, large));
    for (let i = 0; i < 7; i++) await client.putRecords(Array.from({ length: 400 }, () => change('small')));
    const seen = new Set<string>();
    let pages = 0;
    for (let cursor = 0n, more = true; more; pages++) {
      const page: SyncResponse = await client.call(sync, { cursor });
      for (const record of page.records) seen.add(uidText(record.recordUid));
      expect(page.records.length).toBeLessThanOrEqual(limits.syncPageObjects);
      [cursor, more] = [page.cursor, page.hasMore];
    }
    expect(seen.size).toBe(2816);
    expect(pages).toBeGreaterThan(3);
  });

  test('writers at once take turns: a reader that follows the cursor misses nothing', async () => {
    const client = await registered();
    const seen = new Set<string>();
    let cursor = 0n;
    const read = async () => {
      const page = await client.call(sync, { cursor });
      for (const record of page.records) seen.add(uidText(record.recordUid));
      cursor = page.cursor;
    };
    const write = async () => {
      for (let i = 0; i < 15; i++) await client.putRecords([change('a'), change('b')]);
    };
    const writers = Promise.all(Array.from({ length: 6 }, write));
    let writing = true;
    void writers.finally(() => (writing = false));
    while (writing) await read();
    await writers;
    await read();
    expect(seen.size).toBe(6 * 15 * 2);
  });

  test('what is no ciphertext, too large, doubled or too many is refused', async () => {
    const client = await registered();
    const good = change('x');
    const refuse = (changes: object[], code: string) =>
      expect(client.putRecords(changes as (typeof good)[])).rejects.toMatchObject({
        code,
      });
    await refuse([], 'too-large');
    await refuse([{ ...good, sealedData: new Uint8Array(10) }], 'malformed');
    await refuse(
      [{ ...good, sealedData: Buffer.from(JSON.stringify({ title: 'in clear'.repeat(20) })) }],
      'malformed',
    );
    await refuse([{ ...good, recordUid: new Uint8Array(15) }], 'malformed');
    await refuse([good, good], 'malformed');
    await refuse(
      [{ ...good, sealedData: envelopeOf('x'.repeat(limits.recordPlaintext + 20_000)) }],
      'too-large',
    );
    await refuse(
      Array.from({ length: 501 }, () => change('y')),
      'too-large',
    );
    expect((await client.call(sync, {})).records).toHaveLength(0);
  });
});
