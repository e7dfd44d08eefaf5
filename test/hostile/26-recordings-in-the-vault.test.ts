// Attack class 26: whoever holds the server changes what it stores of a recording; what the vault then says and shows.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { RecordingTrack } from '../../protocol/messages/gen/recording_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { picture, output, RecordedVault, type MadeChunk } from '../fixtures/recorded-vault.ts';

const drawn = (index: number) => `4.rect,1.0,1.${index},1.0,1.8,1.8;5.cfill,2.14,1.0,1.1,1.2,1.3,3.255;`;
const chunks: readonly MadeChunk[] = [
  { entries: [picture(0, drawn(0))], keyFrame: true },
  { entries: [picture(1_000, drawn(1))] },
  { entries: [output(1_500, 'rm -rf /srv\r\n')] },
  { entries: [picture(2_000, drawn(2))] },
  { entries: [picture(3_000, drawn(3))] },
];

let vault: RecordedVault;
beforeAll(async () => void (vault = await RecordedVault.start()));
afterAll(() => vault?.stop());

/** What is said to be wrong, what each chunk gives to draw, and what is found in the text. */
async function look(sessionUid: Uid) {
  const { engine } = vault;
  await engine.openRecording(sessionUid);
  const shown: string[] = [];
  for (let index = 0; index < chunks.length; index++) {
    const { fault, bytes } = await engine.readRecordingPicture({ sessionUid, index });
    shown.push(fault ?? new TextDecoder().decode(bytes));
  }
  const { verdict, faults } = await engine.surveyRecording(sessionUid);
  const found = await engine.searchRecording({ sessionUid, query: 'rm -rf' });
  return { verdict, said: faults.map(({ text }) => text), shown, hits: found.length };
}

const honest = [drawn(0), drawn(1), '', drawn(2), drawn(3)];
const setHeader = async (sessionUid: Uid, index: number, from: Uid) => {
  const header = vault.open.db
    .selectFrom('recording_chunk')
    .select('header')
    .where('session_uid', '=', uidBytes(from))
    .where('index', '=', index);
  const { header: bytes } = await header.executeTakeFirstOrThrow();
  await vault.open.db
    .updateTable('recording_chunk')
    .set({ header: bytes })
    .where('session_uid', '=', uidBytes(sessionUid))
    .where('index', '=', index)
    .execute();
};

const line = (atMs: number, text: string) => ({ atMs, kind: 'line', bytes: utf8(text) }) as const;
const pictures = chunks.filter(({ entries }) => entries[0]?.kind === 'picture');
const place = pictures.length;

describe.each([
  ['the text', output(1_500, 'rm -rf /srv\r\n')],
  ['what a former gateway took down of it', line(1_500, 'rm -rf /srv')],
])('a search across recordings in %s', (_, entry) => {
  const made = () => vault.record([...pictures, { entries: [entry] }]);
  const search = (sessionUid: Uid) => vault.engine.searchRecordingText({ sessionUid, query: 'rm -rf' });
  const searched = (sessionUid: Uid) =>
    vault.open.db
      .updateTable('recording_chunk')
      .where('session_uid', '=', uidBytes(sessionUid))
      .where('index', '=', place);

  test('says so when the server holds it back: not listed, or listed as something else', async () => {
    const [hidden, renamed] = [await made(), await made()];
    expect(await search(await made())).toMatchObject({ index: 'whole', hits: [{ atMs: 1_500 }] });
    await searched(hidden).set({ track: RecordingTrack.GRAPHICAL }).execute();
    expect(await search(hidden)).toEqual({ index: 'damaged', hits: [] });
    await setHeader(renamed, place, await made());
    expect(await search(renamed)).toEqual({ index: 'damaged', hits: [] });
  });

  test('and when it leaves the closing out, or gives another: never that all was searched', async () => {
    const [cut, other, third] = [await made(), await made(), await made()];
    await searched(cut).set({ track: RecordingTrack.GRAPHICAL }).execute();
    const recordingOf = (sessionUid: Uid) =>
      vault.open.db.updateTable('recording').where('session_uid', '=', uidBytes(sessionUid));
    await recordingOf(cut).set({ closing: null }).execute();
    expect(await search(cut)).toEqual({ index: 'running', hits: [] });
    const { closing } = await vault.open.db
      .selectFrom('recording')
      .select('closing')
      .where('session_uid', '=', uidBytes(third))
      .executeTakeFirstOrThrow();
    await recordingOf(other).set({ closing }).execute();
    expect(await search(other)).toMatchObject({ index: 'damaged' });
  });

  test('of a chunk of it that was changed nothing is found, also when it was searched before', async () => {
    const sessionUid = await made();
    await vault.changeChunk(sessionUid, place, (sealed) => {
      sealed[60] = (sealed[60] ?? 0) ^ 1;
      return sealed;
    });
    for (const _ of [1, 2]) expect(await search(sessionUid)).toEqual({ index: 'damaged', hits: [] });
  });
});

describe('what the vault shows of a recording', () => {
  test('that is whole', async () => {
    const sessionUid = await vault.record(chunks);
    expect(await look(sessionUid)).toEqual({ verdict: 'complete', said: [], shown: honest, hits: 1 });
  });

  test('of which one bit of a chunk was flipped: nothing of that chunk', async () => {
    const sessionUid = await vault.record(chunks);
    await vault.changeChunk(sessionUid, 1, (sealed) => {
      sealed[60] = (sealed[60] ?? 0) ^ 1;
      return sealed;
    });
    const fault = 'chunk 1: changed, or not signed by this gateway';
    const shown = honest.with(1, fault);
    expect(await look(sessionUid)).toEqual({ verdict: 'wrong', said: [fault], shown, hits: 1 });
  });

  test('of which the text was changed: it is not found either', async () => {
    const sessionUid = await vault.record(chunks);
    await vault.changeChunk(sessionUid, 2, (sealed) => Buffer.concat([sealed, Buffer.of(0)]));
    const fault = 'chunk 2: changed, or not signed by this gateway';
    const shown = honest.with(2, fault);
    expect(await look(sessionUid)).toEqual({ verdict: 'wrong', said: [fault], shown, hits: 0 });
  });

  test('of which a chunk is missing', async () => {
    const sessionUid = await vault.record(chunks);
    await vault.changeChunk(sessionUid, 1, () => null);
    const fault = 'chunk 1: missing';
    const shown = honest.with(1, fault);
    expect(await look(sessionUid)).toEqual({ verdict: 'wrong', said: [fault], shown, hits: 1 });
  });

  test('of which two chunks changed places', async () => {
    const sessionUid = await vault.record(chunks);
    await vault.swapChunks(sessionUid, 1, 3);
    const { verdict, said, shown } = await look(sessionUid);
    expect(verdict).toBe('wrong');
    expect(said).toContain('chunk 1: not in its place');
    const moved = (index: number) => `chunk ${index}: not in its place`;
    expect(shown).toEqual(honest.with(1, moved(1)).with(3, moved(3)));
  });

  test('of which a chunk is another session’s, with its signature', async () => {
    const sessionUid = await vault.record(chunks);
    const other = await vault.record(chunks);
    await setHeader(sessionUid, 1, other);
    const { verdict, shown } = await look(sessionUid);
    expect(verdict).toBe('wrong');
    expect(shown).toEqual(honest.with(1, 'chunk 1: of another session'));
  });

  test('of which the server cut the end, closing and all before it left as they are', async () => {
    const sessionUid = await vault.record(chunks);
    await vault.open.db
      .deleteFrom('recording_chunk')
      .where('session_uid', '=', uidBytes(sessionUid))
      .where('index', '>=', 3)
      .execute();
    const { verdict, said, shown } = await look(sessionUid);
    expect({ verdict, said }).toEqual({ verdict: 'wrong', said: ['chunk 3: the end is missing'] });
    expect(shown.slice(3)).toEqual(['chunk 3: missing', 'chunk 4: missing']);
  });

  test('whose end no gateway signed', async () => {
    const [sessionUid, other] = [await vault.record(chunks), await vault.record(chunks)];
    const closings = vault.open.db.selectFrom('recording').select('closing');
    const { closing } = await closings.where('session_uid', '=', uidBytes(other)).executeTakeFirstOrThrow();
    await vault.open.db
      .updateTable('recording')
      .set({ closing })
      .where('session_uid', '=', uidBytes(sessionUid))
      .execute();
    const list = await vault.engine.listRecordings({ recordUid: null, before: null });
    const listed = list.recordings.find((one) => one.sessionUid === sessionUid);
    expect(listed?.said).toMatchObject({ state: 'forged', lengthMs: null });
    expect((await look(sessionUid)).verdict).toBe('wrong');
  });

  test('whose opening was changed, or is another’s: nothing at all', async () => {
    const [sessionUid, other] = [await vault.record(chunks), await vault.record(chunks)];
    const replaceOpening = (opening: Uint8Array) =>
      vault.open.db
        .updateTable('recording')
        .set({ opening })
        .where('session_uid', '=', uidBytes(sessionUid))
        .execute();
    const openings = vault.open.db.selectFrom('recording').select('opening');
    const openingOf = (uid: Uid) =>
      openings.where('session_uid', '=', uidBytes(uid)).executeTakeFirstOrThrow();
    const { opening: own } = await openingOf(sessionUid);
    await replaceOpening((await openingOf(other)).opening);
    expect(await codeOf(vault.engine.openRecording(sessionUid))).toBe('bad-signature');
    const changed = Buffer.from(own);
    changed[40] = (changed[40] ?? 0) ^ 1;
    await replaceOpening(changed);
    expect(['bad-signature', 'malformed']).toContain(await codeOf(vault.engine.openRecording(sessionUid)));
    const list = await vault.engine.listRecordings({ recordUid: null, before: null });
    expect(list.recordings.find((one) => one.sessionUid === sessionUid)?.said).toBeNull();
  });
});
