import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RecordService, type SyncResponse } from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf, uidText } from '../../fixtures/api-client.ts';
import { startServerProcess } from '../../fixtures/server-process.ts';

const kills = 20;
const writers = 6;
const { sync } = RecordService.method;

test(
  `a write that was acknowledged is there after kill -9: ${kills} kills under load, nothing lost`,
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-durability-'));
    const settings = { SALLYPORT_DATA: folder, OPEN_SIGN_UP: 'true' };
    try {
      let server = await startServerProcess(settings);
      const client = await ApiClient.connect(server.url);
      await client.register('durable@example.test', 'correct horse battery');
      const acknowledged = new Set<string>();
      for (let kill = 0; kill < kills; kill++) {
        client.url = server.url;
        await writeUntilKilled(client, acknowledged, 20 + kill * 2, () => server.kill());
        server = await startServerProcess(settings);
      }
      client.url = server.url;
      const stored = await readAll(client);
      const lost = [...acknowledged].filter((uid) => !stored.has(uid));
      console.log(`${acknowledged.size} writes acknowledged in ${kills} lives, ${lost.length} lost`);
      expect(lost).toEqual([]);
      expect(acknowledged.size).toBeGreaterThan(kills * 20);
      expect(await server.stop()).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Writes from several sides at once, and kills the server in the middle of it after so many acknowledgements. */
async function writeUntilKilled(
  client: ApiClient,
  acknowledged: Set<string>,
  after: number,
  kill: () => Promise<void>,
): Promise<void> {
  const enough = acknowledged.size + after;
  let killing: Promise<void> | null = null;
  const write = async () => {
    for (;;) {
      const recordUid = uidBytes(newUid());
      const change = { recordUid, sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') };
      const done = await client.putRecords([change]).catch(() => null);
      if (!done) return; // the connection died with the server
      acknowledged.add(uidText(recordUid));
      if (acknowledged.size >= enough) killing ??= kill();
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await killing;
}

async function readAll(client: ApiClient): Promise<Set<string>> {
  const stored = new Set<string>();
  for (let cursor = 0n, more = true; more;) {
    const page: SyncResponse = await client.call(sync, { cursor });
    for (const record of page.records) stored.add(uidText(record.recordUid));
    [cursor, more] = [page.cursor, page.hasMore];
  }
  return stored;
}
