// Class 26. A server that keeps recordings for less long than administrators signed is seen, as is one that shows other rules.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { signKeeping } from '../../protocol/signed/recording-keeping.ts';
import { uidOf } from '../../protocol/uid.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { output, RecordedVault } from '../fixtures/recorded-vault.ts';

const dayMs = 24 * 60 * 60_000;

describe('a server that keeps recordings otherwise than it was told', () => {
  let vault: RecordedVault;
  beforeAll(async () => {
    vault = await RecordedVault.start();
    await vault.record([{ entries: [output(10, '$ ')] }]);
    await vault.engine.readRecordingKeeping(0);
    await vault.engine.saveRecordingKeeping({ days: 300, mostBytes: 0, removeOldest: false });
  });
  afterAll(() => vault?.stop());

  const list = () => vault.engine.listRecordings({ recordUid: null, before: null });
  const stored = async () =>
    await vault.open.db.selectFrom('recording_keeping').selectAll().executeTakeFirstOrThrow();
  const show = async (signed: Uint8Array) =>
    await vault.open.db.updateTable('recording_keeping').set({ signed }).execute();

  test('what was signed is taken, and each recording is kept as long', async () => {
    const { keeping, recordings, retentionDays } = await list();
    expect([keeping, retentionDays, recordings[0]?.kept.early]).toEqual(['signed', 300, false]);
    const until = recordings[0]?.kept.until ?? 0;
    expect(Math.round((until - Date.now()) / dayMs)).toBe(300);
  });

  test('it keeps them for less: each recording that it lists says so', async () => {
    await vault.open.db.updateTable('recording_keeping').set({ days: 20, set_at: 0 }).execute();
    const { keeping, recordings } = await list();
    expect([keeping, recordings[0]?.kept.early]).toEqual(['signed', true]);
    await vault.open.db.updateTable('recording_keeping').set({ days: 300 }).execute();
  });

  test('it makes rules up, or shows those of before: they are not taken', async () => {
    const { signed: first, organisation_uid } = await stored();
    await vault.engine.saveRecordingKeeping({ days: 200, mostBytes: 0, removeOldest: false });
    const { signed: second } = await stored();
    await show(first);
    expect((await list()).keeping).toBe('refused');
    expect(await codeOf(vault.engine.readRecordingKeeping(0))).toBe('untrusted');
    const made = { days: 1, mostBytes: 0, removeOldest: true, decidedAt: Date.now(), revision: 9 };
    const forger = signerOf(generateEcdhKeyPair().privateKey);
    await show(await signKeeping(forger, { organisationUid: uidOf(organisation_uid), ...made }));
    expect((await list()).keeping).toBe('refused');
    expect(await codeOf(vault.engine.readRecordingKeeping(0))).toBe('bad-signature');
    await vault.open.db.deleteFrom('recording_keeping').execute();
    expect((await list()).keeping).toBe('refused');
    const { revision, set_at } = { revision: 2, set_at: Date.now() };
    const row = { organisation_uid, revision, set_at, days: 200, most_bytes: 0, remove_oldest: false };
    await vault.open.db
      .insertInto('recording_keeping')
      .values({ ...row, signed: second })
      .execute();
    expect((await list()).keeping).toBe('signed');
  });

  test('who cannot open a recording of another account neither holds it nor sets rules', async () => {
    const { engine, colleague } = vault;
    const sessionUid = (await list()).recordings[0]?.sessionUid ?? expect.unreachable();
    expect(await codeOf(colleague.holdRecording({ sessionUid, until: null }))).toBe('not-found');
    expect(await codeOf(colleague.readRecordingKeeping(0))).toBe('not-allowed');
    const choice = { days: 1, mostBytes: 0, removeOldest: true };
    expect(await codeOf(colleague.saveRecordingKeeping(choice))).toBe('not-allowed');
    await engine.holdRecording({ sessionUid, until: null });
    expect(await codeOf(engine.deleteRecording(sessionUid))).toBe('held');
    const ownerUid = (await engine.readOrganisation()).ownUid;
    const theirs = { sessionUid, accountUid: ownerUid };
    expect(await codeOf(colleague.releaseRecording(theirs))).toBe('not-found');
    const { recordings } = await list();
    expect(recordings.find((one) => one.sessionUid === sessionUid)?.holds).toMatchObject([
      { own: true, until: null, email: 'person-0@example.test' },
    ]);
    await engine.releaseRecording({ sessionUid, accountUid: null });
    expect(await vault.open.db.selectFrom('recording_hold').selectAll().execute()).toEqual([]);
  });
});
