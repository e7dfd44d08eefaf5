// Attack class 26: what auditors note in recordings, against a server that reads, moves, changes, makes up and brings back, and
// against other auditors.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { limits } from '../../protocol/limits.ts';
import { RecordingMarkerService } from '../../protocol/messages/gen/recording_pb.js';
import { writeMarker } from '../../protocol/recording/marker.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { callsOf } from '../fixtures/engine-calls.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { organisationPassword } from '../fixtures/organisation.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { output, RecordedVault, type MadeChunk } from '../fixtures/recorded-vault.ts';
import { newGatewayKey } from '../fixtures/recording.ts';

const chunks: readonly MadeChunk[] = [{ entries: [output(0, '$ '), output(90_000, 'done\r\n')] }];
const text = 'here the file 7731 is deleted';

let vault: RecordedVault;
let machine: Uid;
let [ownerUid, colleagueUid]: Uid[] = [];
beforeAll(async () => {
  vault = await RecordedVault.start();
  const { engine, colleague } = vault;
  machine = await engine.saveRecord({ content: { type: 'pamMachine', title: 'Shared', fields: [] } });
  ownerUid = (await engine.readOrganisation()).ownUid;
  colleagueUid = (await colleague.readOrganisation()).ownUid;
  const grantees = [{ kind: 'account' as const, uid: colleagueUid }];
  await engine.shareRecords({ recordUids: [machine], grantees, rights: 'view', expiresAt: null });
  await engine.setRecordingAuditors({ recordUid: machine, accountUids: [colleagueUid] });
  const come = async () => expect(await codeOf(colleague.readRecord(machine))).toBe('done');
  await vi.waitFor(come, { timeout: 30_000 });
});
afterAll(() => vault?.stop());

async function open(...engines: readonly TestEngine[]): Promise<Uid> {
  const sessionUid = await vault.record(chunks, { machine });
  for (const engine of engines) await engine.openRecording(sessionUid);
  return sessionUid;
}

const note = (engine: TestEngine, sessionUid: Uid, changes: object = {}) =>
  engine.saveRecordingMarker({
    sessionUid,
    marker: { uid: null, revision: 0, atMs: 60_000, text, ...changes },
  });
const listed = async (engine: TestEngine, sessionUid: Uid) => {
  const { markers, unproved } = await engine.listRecordingMarkers(sessionUid);
  return { unproved, said: markers.map((one) => [one.text, one.atMs, one.revision, one.own]) };
};
const rows = () => vault.open.db.selectFrom('recording_marker').selectAll();
const rowOf = (uid: Uid) => rows().where('marker_uid', '=', uidBytes(uid)).executeTakeFirstOrThrow();

describe('a marker', () => {
  test('is read by every auditor of its recording, by its author’s name, and by nobody else', async () => {
    const { engine, colleague } = vault;
    const sessionUid = await open(engine, colleague);
    await note(colleague, sessionUid);
    expect(await listed(engine, sessionUid)).toEqual({ unproved: 0, said: [[text, 60_000, 1, false]] });
    const { markers } = await engine.listRecordingMarkers(sessionUid);
    expect(markers[0]).toMatchObject({ authorUid: colleagueUid, email: 'person-1@example.test' });
    const stored = Buffer.concat((await rows().execute()).map(({ signed }) => Buffer.from(signed)));
    expect(stored.toString('latin1')).not.toContain('7731');
    await engine.setRecordingAuditors({ recordUid: machine, accountUids: [] });
    expect(await codeOf(colleague.listRecordingMarkers(sessionUid))).toBe('not-found');
    expect(await codeOf(note(colleague, sessionUid))).toBe('not-found');
    await engine.setRecordingAuditors({ recordUid: machine, accountUids: [colleagueUid ?? newUid()] });
  });

  test('is changed and deleted by its author alone, and comes back', async () => {
    const { engine, colleague } = vault;
    const sessionUid = await open(engine, colleague);
    const made = await note(engine, sessionUid);
    const changed = await note(engine, sessionUid, { ...made, text: 'changed' });
    expect(changed).toMatchObject({ uid: made.uid, revision: 2 });
    expect(await codeOf(note(engine, sessionUid, { ...made, text: 'late' }))).toBe('conflict');
    const markerUid = made.uid;
    expect(await codeOf(note(colleague, sessionUid, { ...changed, text: 'not mine' }))).toBe('not-found');
    expect(await codeOf(colleague.removeRecordingMarker({ sessionUid, markerUid }))).toBe('not-found');
    await engine.removeRecordingMarker({ sessionUid, markerUid });
    expect((await listed(colleague, sessionUid)).said).toEqual([]);
    await note(engine, sessionUid, changed);
    expect((await listed(colleague, sessionUid)).said).toEqual([['changed', 60_000, 3, false]]);
  });

  test('that says another author than the caller, or that somebody else signed, is not stored', async () => {
    const sessionUid = await open(vault.engine);
    const key = await SymmetricKey.import(randomBytes(32));
    const account = { url: vault.open.server.url, password: organisationPassword };
    const calls = await callsOf(vault.colleague, account);
    const put = async (authorUid: Uid | undefined) => {
      const scope = { sessionUid, markerUid: newUid(), authorUid: authorUid ?? newUid(), revision: 1 };
      const marker = await writeMarker(newGatewayKey(), key, scope, { atMs: 1, text: 'x' }, 1);
      return await codeOf(calls.call(RecordingMarkerService.method.putRecordingMarker, { marker }));
    };
    expect(await put(ownerUid)).toBe('not-allowed');
    expect(await put(colleagueUid)).toBe('bad-signature');
  });

  test('is small and there are not too many', async () => {
    const sessionUid = await open(vault.engine);
    expect(await codeOf(note(vault.engine, sessionUid, { text: 'x'.repeat(4_001) }))).toBe('too-large');
    expect(await codeOf(note(vault.engine, sessionUid, { revision: 2 ** 31 - 1 }))).toBe('malformed');
    const { uid } = await note(vault.engine, sessionUid, { text: 'x'.repeat(4_000) });
    const { signed, author_uid, session_uid } = await rowOf(uid);
    const others = Array.from({ length: limits.recording.markers - 1 }, () => ({
      ...{ session_uid, author_uid, signed, marker_uid: uidBytes(newUid()), revision: 1 },
    }));
    await vault.open.db.insertInto('recording_marker').values(others).execute();
    expect(await codeOf(note(vault.engine, sessionUid))).toBe('limit-reached');
    await note(vault.engine, sessionUid, { uid, revision: 1, text: 'an own one may still be changed' });
  });
});

describe('a server', () => {
  test('that moves a marker to another recording, or changes any of it: it is left out, and counted', async () => {
    const { engine } = vault;
    const [from, to] = [await open(engine), await open(engine)];
    const { uid } = await note(engine, from);
    const { signed } = await rowOf(uid);
    const set = (bytes: Uint8Array, session = from) =>
      vault.open.db
        .updateTable('recording_marker')
        .set({ signed: bytes, session_uid: uidBytes(session) })
        .where('marker_uid', '=', uidBytes(uid))
        .execute();
    await set(signed, to);
    expect(await listed(engine, to)).toEqual({ unproved: 1, said: [] });
    for (let at = 0; at < signed.length; at += 23) {
      const changed = Buffer.from(signed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await set(changed);
      expect([at, await listed(engine, from)]).toEqual([at, { unproved: 1, said: [] }]);
    }
    await set(signed);
    expect(await listed(engine, from)).toMatchObject({ unproved: 0, said: [[text, 60_000, 1, true]] });
  });

  test('that makes one up in somebody’s name: it is left out', async () => {
    const { engine } = vault;
    const sessionUid = await open(engine);
    const scope = { sessionUid, markerUid: newUid(), authorUid: ownerUid ?? newUid(), revision: 1 };
    const key = await SymmetricKey.import(randomBytes(32));
    const signed = await writeMarker(newGatewayKey(), key, scope, { atMs: 1, text: 'x' }, 1);
    const row = { session_uid: uidBytes(sessionUid), marker_uid: uidBytes(scope.markerUid), revision: 1 };
    const author_uid = uidBytes(scope.authorUid);
    await vault.open.db
      .insertInto('recording_marker')
      .values({ ...row, author_uid, signed })
      .execute();
    expect(await listed(engine, sessionUid)).toEqual({ unproved: 1, said: [] });
  });

  test('may show a former revision, which is all that it may: of two of one name the newer counts', async () => {
    const { engine } = vault;
    const sessionUid = await open(engine);
    const first = await note(engine, sessionUid);
    const former = await rowOf(first.uid);
    await note(engine, sessionUid, { ...first, text: 'newer' });
    const both = { ...former, marker_uid: uidBytes(newUid()) };
    await vault.open.db.insertInto('recording_marker').values(both).execute();
    expect((await listed(engine, sessionUid)).said).toEqual([['newer', 60_000, 2, true]]);
    expect(uidOf(former.marker_uid)).toBe(first.uid);
  });
});
