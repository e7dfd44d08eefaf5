// Attack class 5, attachments: whoever holds the server's disk moves, cuts, repeats and alters sealed chunks.
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import type { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const chunk = limits.fileChunk;
let server: TestServer;
let victim: TestEngine;
let records: readonly Uid[];

beforeAll(async () => {
  server = await startTestServer();
  victim = await startEngine(server.url);
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email: 'files@example.test', password: 'correct horse battery staple' });
  const record = (title: string) => victim.saveRecord({ content: { type: 'login', title, fields: [] } });
  records = [await record('one'), await record('two')];
});
afterAll(async () => {
  await victim.close();
  await server.close();
});

/** Two files of two full chunks and a rest each; the second one of the same record, or of another. */
async function twoFiles(sameRecord: boolean) {
  const [one = expect.unreachable(), two = expect.unreachable()] = records;
  const other = sameRecord ? one : two;
  const attach = async (recordUid: Uid, byte: number) => {
    const bytes = new Uint8Array(2 * chunk + 100).fill(byte);
    const [fileUid] = await victim.attachFiles({ recordUid, files: [new File([bytes], `${byte}.bin`)] });
    return { recordUid, fileUid: fileUid ?? expect.unreachable() };
  };
  return { first: await attach(one, 1), second: await attach(other, 2) };
}

const pathOf = ({ fileUid }: { fileUid: Uid }, index: number) =>
  join(server.config.dataFolder, 'files', Buffer.from(uidBytes(fileUid)).toString('hex'), String(index));
const read = (file: { recordUid: Uid; fileUid: Uid }, index: number) =>
  victim.readFileChunk({ ...file, index }).then(
    () => 'opened',
    (error: unknown) => (error as ProtocolError).code,
  );

test.each([true, false])('a chunk of another file is not opened (same record: %s)', async (sameRecord) => {
  const { first, second } = await twoFiles(sameRecord);
  for (const index of [0, 2]) copyFileSync(pathOf(second, index), pathOf(first, index));
  expect([await read(first, 0), await read(first, 1), await read(first, 2)]).toEqual([
    'open-failed',
    'opened',
    'open-failed',
  ]);
});

test('chunks in another order, twice, cut or altered are not opened', async () => {
  const { first } = await twoFiles(true);
  const [zero, one] = [readFileSync(pathOf(first, 0)), readFileSync(pathOf(first, 1))];
  writeFileSync(pathOf(first, 0), one);
  writeFileSync(pathOf(first, 1), zero);
  expect([await read(first, 0), await read(first, 1)]).toEqual(['open-failed', 'open-failed']);
  writeFileSync(pathOf(first, 0), zero);
  expect([await read(first, 0), await read(first, 1)]).toEqual(['opened', 'open-failed']);
  writeFileSync(pathOf(first, 1), Buffer.from(one.with(5_000, (one[5_000] ?? 0) ^ 1)));
  expect(await read(first, 1)).toBe('open-failed');
  writeFileSync(pathOf(first, 1), one);
  truncateSync(pathOf(first, 2), 100);
  expect([await read(first, 1), await read(first, 2)]).toEqual(['opened', 'open-failed']);
});

test('a file that was cut short is noticed: its last chunk is missing, and no other takes its place', async () => {
  const { first } = await twoFiles(true);
  rmSync(pathOf(first, 2));
  expect(await read(first, 2)).toBe('not-found');
  copyFileSync(pathOf(first, 1), pathOf(first, 2));
  expect(await read(first, 2)).toBe('open-failed');
  expect(await read(first, 3)).toBe('malformed');
});

test('nothing of a name or of a content is on the disk', async () => {
  const [recordUid = expect.unreachable()] = records;
  const text = 'a text that nobody else may read 5512';
  await victim.attachFiles({ recordUid, files: [new File([text.repeat(200)], 'secret-name-5512.txt')] });
  const folder = join(server.config.dataFolder, 'files');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(5);
  for (const { parentPath, name } of files) {
    expect(name).toMatch(/^\d+$/);
    expect(readFileSync(join(parentPath, name)).includes('5512')).toBe(false);
  }
});
