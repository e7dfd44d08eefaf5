// Recordings as a vault looks at them: real server, real store, a gateway's own signatures.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat, parseBase64url, utf8 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { RecordingEventKind } from '../../../protocol/messages/gen/recording_pb.js';
import type { RecordingEntry } from '../../../protocol/recording/entries.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { judgeRecording } from '../../../scripts/recordings/verdict.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { output, picture, RecordedVault, type MadeChunk } from '../../fixtures/recorded-vault.ts';

const draws = '4.rect,1.0,1.0,1.0,1.8,1.8;5.cfill,2.14,1.0,1.1,1.2,1.3,3.255;';
const terminal: readonly MadeChunk[] = [
  { entries: [picture(0, '4.size,1.0,2.16,2.16;'), picture(40, draws)], keyFrame: true },
  { entries: [output(10, '$ '), output(500, 'ls\r\n'), output(600, 'secret-plan.txt\r\n')] },
  { entries: [{ atMs: 480, kind: 'keys', bytes: new TextEncoder().encode('ls\r') }] },
  { entries: [picture(600, draws), picture(60_000, '4.sync,13.1700000000000,1.0;')] },
  { entries: [output(61_000, '$ exit\r\n')] },
];

describe('recordings in the vault', () => {
  let vault: RecordedVault;
  beforeAll(async () => void (vault = await RecordedVault.start()));
  afterAll(() => vault?.stop());

  const eventsOf = async (sessionUid: Uid) => {
    const rows = await vault.open.db
      .selectFrom('recording_event')
      .selectAll()
      .where('session_uid', '=', uidBytes(sessionUid))
      .orderBy('event_id')
      .execute();
    return rows.map(({ kind, count }) => `${RecordingEventKind[kind]} ${count}`);
  };

  const searched: readonly (readonly [string, (atMs: number, text: string) => RecordingEntry, number])[] = [
    ['text', (atMs, text) => output(atMs, `${text}\r\n`), 1],
    ['index of a former gateway', (atMs, text) => ({ atMs, kind: 'line', bytes: utf8(text) }), 2],
  ];
  test.each(searched)(
    'are searched by their sealed %s, without opening them; of another’s nothing is taken',
    async (_, line, lists) => {
      const terminal: readonly MadeChunk[] = [{ entries: [picture(600, draws)], keyFrame: true }];
      const indexed = await vault.record([
        ...terminal,
        { entries: [line(600, 'secret-plan.txt'), line(61_000, '$ exit')] },
      ]);
      const other = await vault.record([
        ...terminal,
        { entries: [line(5, 'another plan'), line(9, 'done')] },
      ]);
      const search = (sessionUid: Uid, query: string) =>
        vault.engine.searchRecordingText({ sessionUid, query });
      const hit = { atMs: 600, text: 'secret-plan.txt', from: 7, length: 4, typed: false };
      expect(await search(indexed, 'PLAN')).toEqual({ hits: [hit], index: 'whole' });
      expect(await search(indexed, 'another')).toEqual({ hits: [], index: 'whole' });
      // For the second word nothing was fetched again.
      expect((await eventsOf(indexed)).slice(2)).toEqual([`OPENED ${lists}`, 'FETCHED 1']);
      const place = terminal.length;
      const foreign: Buffer[] = [];
      await vault.changeChunk(other, place, (sealed) => {
        foreign.push(sealed);
        return sealed;
      });
      const changed = await vault.record([...terminal, { entries: [line(600, 'secret-plan.txt')] }]);
      await vault.changeChunk(changed, place, () => foreign[0] ?? null);
      expect(await search(changed, 'plan')).toEqual({ hits: [], index: 'damaged' });
      const running = await vault.record([...terminal, { entries: [output(1, 'plan')] }], { closed: false });
      expect(await search(running, 'plan')).toMatchObject({ hits: [{ atMs: 1 }], index: 'running' });
    },
  );

  test('say who typed, by the organisation’s names; of a chunk that was changed, nothing', async () => {
    const { ownerUid } = vault.config;
    const stranger = newUid();
    const by = (atMs: number, accountUid: Uid): RecordingEntry => ({
      ...{ atMs, kind: 'typist', bytes: uidBytes(accountUid) },
    });
    const made = () => vault.record([...terminal, { entries: [by(500, stranger), by(600, ownerUid)] }]);
    const sessionUid = await made();
    await vault.engine.openRecording(sessionUid);
    expect((await vault.engine.surveyRecording(sessionUid)).typists).toEqual([
      { atMs: 500, accountUid: stranger, email: '', host: false },
      { atMs: 600, accountUid: ownerUid, email: 'person-0@example.test', host: true },
    ]);
    const changed = await made();
    await vault.changeChunk(changed, terminal.length, (sealed) => {
      sealed[60] = (sealed[60] ?? 0) ^ 1;
      return sealed;
    });
    await vault.engine.openRecording(changed);
    const survey = await vault.engine.surveyRecording(changed);
    expect(survey).toMatchObject({ verdict: 'wrong', typists: [] });
  });

  test('are listed by what their gateway signed, newest first', async () => {
    const sessionUid = await vault.record(terminal);
    const running = await vault.record(terminal, { closed: false });
    const list = await vault.engine.listRecordings({ recordUid: vault.machine, before: null });
    expect(list.recordings.map((one) => one.sessionUid).slice(0, 2)).toEqual([running, sessionUid]);
    const [first, second] = list.recordings;
    expect(first?.said).toMatchObject({ state: 'running', lengthMs: null });
    expect(second?.said).toMatchObject({
      ...{ title: 'Web server', email: 'person-0@example.test', protocol: 'ssh', own: true, readable: true },
      ...{ state: 'ended', reason: 'closed', lengthMs: 61_000, graphical: true, text: true, keys: true },
      gateway: { name: 'Office', key: 'pinned' },
    });
    expect(second?.size).toBeGreaterThan(0);
    const last = { storedAt: second?.storedAt ?? 0, sessionUid };
    const further = await vault.engine.listRecordings({ recordUid: null, before: last });
    expect(further.recordings.map((one) => one.sessionUid)).not.toContain(sessionUid);
  });

  test('open under the record’s key: picture, text, activity and verdict; each view is an event', async () => {
    const sessionUid = await vault.record(terminal);
    const { engine } = vault;
    const opened = await engine.openRecording(sessionUid);
    expect([...opened.pictures]).toEqual([3, 0, 0, 1, 0]);
    expect([...opened.startMs]).toEqual([0, 10, 480, 600, 61_000]);
    const first = await engine.readRecordingPicture({ sessionUid, index: 0 });
    expect(first).toMatchObject({ fault: null, keyFrame: true });
    expect([...first.atMs]).toEqual([0, 40]);
    const [end = 0] = first.ends;
    expect(new TextDecoder().decode(first.bytes.subarray(end))).toBe(draws);
    expect([...(await engine.readRecordingPicture({ sessionUid, index: 3 })).kinds]).toEqual([0, 1]);
    const told: string[] = [];
    const survey = await engine.surveyRecording(sessionUid, (done, of) => void told.push(`${done}/${of}`));
    expect(survey).toMatchObject({ verdict: 'complete', faults: [], chunks: 5, lines: 4, textCut: false });
    expect(told.at(-1)).toBe('5/5');
    expect(survey.activity.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(draws.length);
    expect(await engine.searchRecording({ sessionUid, query: 'SECRET-plan' })).toEqual([
      { atMs: 600, text: 'secret-plan.txt', from: 0, length: 11, typed: false },
    ]);
    expect(await engine.searchRecording({ sessionUid, query: 'ls' })).toMatchObject([
      { text: 'ls', typed: true },
      { text: '$ ls', from: 2, typed: false },
    ]);
    const lines = await engine.readTranscript({ sessionUid, atMs: 600, most: 100 });
    expect(lines.map(({ text }) => text)).toEqual(['$ ls', 'secret-plan.txt']);
    expect(await eventsOf(sessionUid)).toEqual(['STARTED 1', 'FINISHED 1', 'OPENED 1', 'FETCHED 5']);
  });

  test('while they run they are open, not wrong', async () => {
    const sessionUid = await vault.record(terminal, { closed: false });
    await vault.engine.openRecording(sessionUid);
    const survey = await vault.engine.surveyRecording(sessionUid);
    expect(survey).toMatchObject({ verdict: 'open', faults: [{ fault: 'not-closed' }] });
  });

  test('are saved as the file that the verifier reads', async () => {
    const sessionUid = await vault.record(terminal);
    const { facts } = await vault.engine.openRecording(sessionUid);
    const parts: Uint8Array[] = [];
    await vault.engine.exportRecording(sessionUid, (bytes) => void parts.push(bytes));
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-saved-'));
    const path = join(folder, 'recording');
    writeFileSync(path, concat(...parts));
    const gatewayKey = parseBase64url(facts.gateway.publicKey);
    const verdict = await judgeRecording({ path, gatewayKey, recordingKey: null });
    expect(verdict).toMatchObject({ faults: [], unreadable: null, chunks: 5 });
    rmSync(folder, { recursive: true });
  });

  test('that are sealed under another key do not open, and a recording that was closed gives nothing', async () => {
    const resourceKey = await SymmetricKey.import(randomBytes(32));
    const foreign = await vault.record(terminal, { resourceKey });
    expect(await codeOf(vault.engine.openRecording(foreign))).toBe('open-failed');
    const sessionUid = await vault.record(terminal);
    await vault.engine.openRecording(sessionUid);
    await vault.engine.closeRecording(sessionUid);
    expect(await codeOf(vault.engine.readRecordingPicture({ sessionUid, index: 0 }))).toBe('not-found');
    await vault.engine.deleteRecording(sessionUid);
    expect(await codeOf(vault.engine.openRecording(sessionUid))).toBe('not-found');
  });

  test('are an auditor’s while the owner names them and they may read the record, whatever key it has by now', async () => {
    const { engine, colleague } = vault;
    const machine = await engine.saveRecord({ content: { type: 'pamMachine', title: 'Shared', fields: [] } });
    const sessionUid = await vault.record(terminal, { machine });
    const accountUid = (await colleague.readOrganisation()).ownUid;
    const grantees = [{ kind: 'account', uid: accountUid }] as const;
    const share = () =>
      engine.shareRecords({ recordUids: [machine], grantees, rights: 'view', expiresAt: null });
    await share();
    await until(colleague, async () => (await codeOf(colleague.readRecord(machine))) === 'done');
    expect(await codeOf(colleague.openRecording(sessionUid))).toBe('not-found');
    await engine.setRecordingAuditors({ recordUid: machine, accountUids: [accountUid] });
    expect(await engine.listRecordingAuditors(machine)).toEqual([accountUid]);
    const { facts } = await colleague.openRecording(sessionUid);
    expect(facts).toMatchObject({
      title: 'Shared',
      email: 'person-0@example.test',
      own: false,
      readable: true,
    });
    expect(await colleague.surveyRecording(sessionUid)).toMatchObject({ verdict: 'complete' });
    expect(await codeOf(colleague.deleteRecording(sessionUid))).toBe('not-allowed');
    // Whoever loses a record makes its owner give it another key.
    await engine.unshare({ objectUid: machine, grantees });
    expect(await codeOf(colleague.openRecording(sessionUid))).toBe('not-found');
    await engine.openRecording(sessionUid);
    expect(await engine.surveyRecording(sessionUid)).toMatchObject({ verdict: 'complete' });
  });
});

/** Resolves when `fits` does, asked at each change of the vault. */
async function until(engine: TestEngine, fits: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const version = engine.states.at(-1)?.recordsVersion ?? 0;
    if (await fits()) return;
    await engine.until(({ recordsVersion }) => recordsVersion > version);
  }
}
