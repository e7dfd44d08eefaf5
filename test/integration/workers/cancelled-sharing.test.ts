// A share of many that is ended half-way: what was given is whole, what was not is as it was. Real server, real engines.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordRights } from '../../../workers/api.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startOrganisation } from '../../fixtures/organisation.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const many = 130;
const step = 100; // records that are given in one step
let server: TestServer;
let owner: TestEngine;
let other: TestEngine;
let otherUid: Uid;
let uids: readonly Uid[];

beforeAll(async () => {
  server = await startTestServer();
  const [ada, ben] = (await startOrganisation(server.url, 2)).map(({ engine }) => engine);
  if (!ada || !ben) throw new Error('two people');
  [owner, other] = [ada, ben];
  otherUid = (await other.readOrganisation()).ownUid;
  const rows = Array.from({ length: many }, (_, i) => `R${i},somebody,secret ${i}`);
  const bytes = utf8(['title,username,password', ...rows].join('\n'));
  const { previewUid } = await owner.previewImport({ format: 'csv', bytes });
  uids = (await owner.runImport({ previewUid, folderUid: null })).recordUids;
});
afterAll(async () => {
  await Promise.all([owner, other].map((engine) => engine.close()));
  await server.close();
});

/** Ended as soon as the first step is told. */
function shareSome(rights: RecordRights) {
  const run = `share to ${rights}`;
  const grantees = [{ kind: 'account', uid: otherUid } as const];
  return owner.shareRecords(
    { recordUids: uids, grantees, rights, expiresAt: null },
    () => void owner.cancelBulk(run),
    run,
  );
}

const rightsOf = async (uid: Uid) => (await owner.accessOf(uid)).ways.map(({ rights }) => rights.records);

test('what was given can be opened, and nothing of the rest is there', async () => {
  expect(await shareSome('edit')).toEqual({ changed: step, of: many, stopped: 'cancelled' });
  await other.syncNow();
  for (const uid of uids.slice(0, step)) expect((await other.readRecord(uid)).access).toBe('edit');
  for (const uid of uids.slice(step)) {
    expect(await codeOf(other.readRecord(uid))).toBe('not-found');
    expect(await rightsOf(uid)).toEqual([]);
  }
  expect(owner.states.at(-1)?.vaultIncomplete).toBe(false);
  // The rest is given by the next try, over what has it already.
  const grantees = [{ kind: 'account', uid: otherUid } as const];
  const whole = await owner.shareRecords({ recordUids: uids, grantees, rights: 'edit', expiresAt: null });
  expect(whole).toEqual({ changed: many, of: many, stopped: null });
  await other.syncNow();
  for (const uid of uids) expect((await other.readRecord(uid)).access).toBe('edit');
});

test('what was narrowed has its new key whole, and the rest keeps the wider access', async () => {
  expect(await shareSome('view')).toEqual({ changed: step, of: many, stopped: 'cancelled' });
  await other.syncNow();
  const [first, last] = [uids[0] as Uid, uids[many - 1] as Uid];
  for (const uid of uids.slice(0, step)) {
    expect(await rightsOf(uid)).toEqual(['view']);
    expect((await other.readRecord(uid)).access).toBe('view'); // opens under the key of after
  }
  for (const uid of uids.slice(step)) expect((await other.readRecord(uid)).access).toBe('edit');
  const edit = async (uid: Uid) => {
    const { content, withheld, revision: baseRevision } = await other.readRecord(uid);
    return await codeOf(
      other.saveRecord({ uid, baseRevision, withheld, content: { ...content, title: 'New' } }),
    );
  };
  expect([await edit(first), await edit(last)]).toEqual(['not-allowed', 'done']);
  // Nothing waits to be sealed anew: the owner's next visit replaces no key.
  const revision = (await owner.readRecord(first)).revision;
  await owner.syncNow();
  expect((await owner.readRecord(first)).revision).toBe(revision);
  expect([owner, other].map((engine) => engine.states.at(-1)?.vaultIncomplete)).toEqual([false, false]);
});
