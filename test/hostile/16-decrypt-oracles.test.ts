// Attack class 16: the server feeds a vault what it may or may not be able to open, and learns from how it answers. Every
// failed opening is the same to it: the same requests, the same state, and nothing of the cause.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { empty } from '../../protocol/bytes.ts';
import type { Record } from '../../protocol/messages/gen/record_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import type { SaveRecord } from '../../workers/api.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const email = 'victim@example.test';
const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});

let server: HostileServer;
let victim: TestEngine;
let uid: Uid;

beforeEach(async () => {
  server = await HostileServer.start();
  victim = await startEngine(server.origin, { transport: server.transport });
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email, password });
  uid = await victim.saveRecord(record('good'));
  await victim.saveRecord(record('other'));
});
afterEach(() => victim.close());

const flipped = (bytes: Uint8Array, at: number) => {
  const place = at < 0 ? bytes.length + at : at;
  return new Uint8Array(bytes).with(place, (bytes[place] ?? 0) ^ 1);
};

/** Ways not to open, each of another cause. */
const spoilt: readonly (readonly [string, (good: Record, other: Record) => Partial<Record>])[] = [
  ['another key', (_, { sealedKey }) => ({ sealedKey })],
  ['another key id', ({ sealedKey }) => ({ sealedKey: flipped(sealedKey, 1) })],
  ['a key with another tag', ({ sealedKey }) => ({ sealedKey: flipped(sealedKey, -1) })],
  ['data with another tag', ({ sealedData }) => ({ sealedData: flipped(sealedData, -1) })],
  ['data with another nonce', ({ sealedData }) => ({ sealedData: flipped(sealedData, 9) })],
  ['data of another record', (_, { sealedData }) => ({ sealedData })],
  ['data of another version', ({ sealedData }) => ({ sealedData: flipped(sealedData, 0) })],
  ['short data', ({ sealedData }) => ({ sealedData: sealedData.subarray(0, 20) })],
  ['no data', () => ({ sealedData: empty })],
  ['noise', () => ({ sealedData: randomBytes(300), sealedKey: randomBytes(69) })],
];

/** What the server sees of a sync, and what the vault then is. */
async function answerTo(change: Partial<Record>) {
  const [good] = server.stored as [Record, Record];
  const before = { ...good };
  Object.assign(good, change, { revision: before.revision + 1n });
  server.touch();
  const first = server.urls.length;
  await victim.syncNow();
  // What else the vault asks for in the meantime depends on the time and not on this.
  const seen = server.urls.slice(first).filter((url) => url.includes('/RecordService/'));
  const state = victim.states.at(-1);
  Object.assign(good, before);
  return { seen, refused: state?.refusedRecords, incomplete: state?.vaultIncomplete, phase: state?.phase };
}

test('every way not to open looks the same to the server, and is the same in the vault', async () => {
  const [good, other] = server.stored.map((one) => ({ ...one })) as [Record, Record];
  const answers = [];
  for (const [, spoil] of spoilt) answers.push(await answerTo(spoil(good, other)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ refused: 1, phase: 'unlocked' });
});

test.each(spoilt)('%s tells the page nothing but that it does not open', async (_, spoil) => {
  const [good, other] = server.stored as [Record, Record];
  Object.assign(good, spoil({ ...good }, other));
  const fresh = await startEngine(server.origin, { transport: server.transport });
  await fresh.signIn({ email, password });
  const failure = await fresh.readRecord(uid).catch((error: unknown) => error as Error);
  expect([(failure as Error).name, (failure as Error).message]).toEqual(['open-failed', 'open-failed']);
  expect(
    fresh.warnings.filter((text) => text.includes(uid)).every((text) => /does not open/.test(text)),
  ).toBe(true);
  await fresh.close();
});

test('a card, and a manifest, that do not open change nothing that the server can see', async () => {
  await victim.setFavourite({ uids: [uid], favourite: true });
  const [card] = server.vault.cards.values();
  const [manifest] = server.vault.manifests.values();
  const seen: string[][] = [];
  for (const at of [0, 1, 9, 30, -1]) {
    const former = { card: card!.value.sealed, manifest: manifest!.sealed };
    card!.value.sealed = flipped(former.card, at);
    card!.value.revision += 1n;
    manifest!.sealed = flipped(former.manifest, at);
    const first = server.urls.length;
    await victim.syncNow();
    seen.push(server.urls.slice(first).filter((url) => url.includes('/RecordService/')));
    expect(await victim.readRecord(uid)).toMatchObject({ favourite: true });
    card!.value.sealed = former.card;
    card!.value.revision -= 1n;
    manifest!.sealed = former.manifest;
  }
  for (const one of seen) expect(one).toEqual(seen[0]);
});
