// A copy without a snapshot must have nothing that rows do not tell, and a snapshot must have everything.
import { beforeEach, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import { CopyWriter } from '../../../../workers/engine/snapshot/copy-writer.ts';
import type { ContentsChange, VaultContents } from '../../../../workers/engine/snapshot/vault-contents.ts';
import type { StoredPage } from '../../../../workers/engine/storage.ts';
import { MemoryStorage } from '../../../../workers/storage/memory.ts';

const bytes = Uint8Array.of(1);

let storage: MemoryStorage;
let warnings: string[];
let failure: ProtocolError | null;

beforeEach(async () => {
  storage = new MemoryStorage();
  await storage.writeAccount(bytes);
  warnings = [];
  failure = null;
});

/** An engine with contents of its own: its snapshot is what was applied when it was written. */
async function engine() {
  const applied: ContentsChange[] = [];
  const contents = {
    apply: (change: ContentsChange) => void applied.push(change),
    withLastSeen: (change: ContentsChange) => change,
  } as VaultContents;
  const snapshot = {
    journal: () => Promise.resolve(bytes),
    write: async (_: VaultContents, upTo: number, after?: bigint) => {
      if (failure) throw failure;
      await storage.writeSnapshot(Uint8Array.of(applied.length), upTo, after);
    },
    writeBelow: async (_: VaultContents, stamp: bigint) =>
      void (await storage.writeFirstSnapshot(Uint8Array.of(applied.length), stamp)),
  };
  const writer = new CopyWriter({ storage, snapshot, contents, warn: (text) => void warnings.push(text) });
  const { stamp, snapshot: stored } = await storage.readCopy();
  if (stored.base === null && stored.journal.length === 0) writer.begin(stamp);
  return { writer, applied };
}

/** A page that brings one record. */
function page(cursor: bigint, uid = newUid()): [StoredPage, ContentsChange] {
  const rows = [{ uid, revision: 1n, hasContent: true, record: bytes }];
  return [{ rows, cursor }, { records: [{ uid } as KnownRecord] }];
}

const removal = (uid: Uid): [StoredPage, ContentsChange] => [
  { rows: [], removedRows: [uid], cursor: 9n },
  { removedRecords: [uid] },
];

test('what a first sync brings has no journal, and a snapshot at its end', async () => {
  const { writer, applied } = await engine();
  await writer.commit(...page(1n));
  await writer.commit(...page(2n));
  expect(await storage.readSnapshot()).toEqual({ base: null, journal: [], upTo: 0 });
  writer.endRun();
  await writer.commit(...page(3n));
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(2), journal: [bytes], upTo: 1 });
  expect(applied).toHaveLength(3);
});

test('a run that stored nothing writes nothing', async () => {
  const { writer } = await engine();
  writer.endRun();
  await writer.commit(...page(1n));
  expect(await storage.readSnapshot()).toEqual({ base: null, journal: [], upTo: 0 });
});

test('what another engine has stored meanwhile is in the journal, and below it what this one had', async () => {
  const { writer, applied } = await engine();
  await writer.commit(...page(1n));
  await storage.commit({ rows: [], cursor: 2n, journal: Uint8Array.of(7) });
  await writer.commit(...page(3n));
  expect(applied).toHaveLength(2);
  writer.endRun();
  await writer.commit(...page(4n));
  const journal = [Uint8Array.of(7), bytes, bytes];
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(1), journal, upTo: 3 });
  expect(await storage.readRows()).toHaveLength(3);
});

test('so is what another engine stores while the run ends', async () => {
  const { writer } = await engine();
  await writer.commit(...page(1n));
  await storage.commit({ rows: [], cursor: 2n, journal: Uint8Array.of(7) });
  writer.endRun();
  await writer.commit(...page(3n));
  const journal = [Uint8Array.of(7), bytes];
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(1), journal, upTo: 2 });
  expect(warnings).toEqual([]);
});

test('of two engines in one first sync, whoever stored without a journal leaves the snapshot, whichever ends first', async () => {
  for (const firstEnds of ['one', 'other'] as const) {
    storage = new MemoryStorage();
    await storage.writeAccount(bytes);
    const [one, other] = [await engine(), await engine()];
    await one.writer.commit(...page(1n));
    await one.writer.commit(...page(2n));
    await other.writer.commit(...page(1n)); // has not what the first one stored: leaves no snapshot
    expect(await storage.readSnapshot()).toEqual({ base: null, journal: [bytes], upTo: 1 });
    const [last, first] = firstEnds === 'one' ? [other, one] : [one, other];
    first.writer.endRun();
    last.writer.endRun();
    await one.writer.commit(...page(3n));
    await other.writer.commit(...page(3n));
    const journal = [bytes, bytes, bytes];
    expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(2), journal, upTo: 3 });
  }
});

test('beside a snapshot that another engine has written, everything is journalled', async () => {
  const { writer } = await engine();
  await writer.commit(...page(1n));
  await storage.writeSnapshot(bytes, 0);
  await writer.commit(...page(2n));
  writer.endRun();
  await writer.commit(...page(3n));
  expect(await storage.readSnapshot()).toEqual({ base: bytes, journal: [bytes, bytes], upTo: 2 });
});

test.each<[string, (uid: Uid) => [StoredPage, ContentsChange]]>([
  ['a record that goes', removal],
  [
    'a record of which more is known than its row says',
    (uid) => [{ rows: [], cursor: 9n }, page(9n, uid)[1]],
  ],
  [
    'what is covered of a record that went',
    (uid) => {
      const other = { kind: 'record' as const, uid, revision: 1, keyVersion: 1, tag: '', deleted: false };
      return [{ rows: [], cursor: 9n }, { others: [other] }];
    },
  ],
])('%s is told by no row: a snapshot comes first, and then its entry', async (_, change) => {
  const { writer } = await engine();
  const uid = newUid();
  await writer.commit(...page(1n, uid));
  await writer.commit(...change(uid));
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(1), journal: [bytes], upTo: 1 });
});

test('a snapshot that cannot be written leaves the copy as it is, and the next run writes it', async () => {
  const { writer, applied } = await engine();
  const uid = newUid();
  await writer.commit(...page(1n, uid));
  failure = new ProtocolError('storage-full', 'no room');
  writer.endRun();
  await expect(writer.commit(...removal(uid))).rejects.toBe(failure);
  expect(await storage.readRow(uid)).not.toBeNull();
  expect(warnings).toHaveLength(1);
  failure = null;
  await writer.commit(...page(2n));
  writer.endRun();
  await writer.commit(...page(3n));
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(2), journal: [bytes], upTo: 1 });
  expect(applied).toHaveLength(3);
});

test('what could not be stored is not applied, and what is asked for at once is stored in turn', async () => {
  const { writer, applied } = await engine();
  const [first, second] = [page(1n), page(2n)];
  await Promise.all([writer.commit(...first), writer.commit(...second)]);
  expect(applied).toEqual([first[1], second[1]]);
  await storage.erase();
  await expect(writer.commit(...page(3n))).rejects.toMatchObject({ name: 'locked' });
  expect(applied).toHaveLength(2);
});
