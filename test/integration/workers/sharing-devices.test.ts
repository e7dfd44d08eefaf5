// Two devices of one account, and what others write of its records: protocol.md §9.7.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let owner: TestEngine;
let second: TestEngine;
let editor: TestEngine;
let recordUid: Uid;

beforeAll(async () => {
  server = await startTestServer();
  const people = await startOrganisation(server.url, 2);
  [owner, editor] = people.map(({ engine }) => engine) as [TestEngine, TestEngine];
  second = await startEngine(server.url);
  await second.signIn({ email: 'person-0@example.test', password: organisationPassword });
  const content = { type: 'login', title: 'first', fields: [{ type: 'password', value: ['x'] }] };
  recordUid = await owner.saveRecord({ content });
  const grantees = [{ kind: 'account', uid: (await editor.readOrganisation()).ownUid } as const];
  await owner.shareRecords({ recordUids: [recordUid], grantees, rights: 'edit', expiresAt: null });
  await editor.syncNow();
});
afterAll(async () => {
  for (const engine of [owner, second, editor]) await engine?.close();
  await server?.close();
});

test('both take the same editor’s revisions into the manifest, once each', async () => {
  for (const title of ['one', 'two', 'three']) {
    const { revision: baseRevision, content, withheld } = await editor.readRecord(recordUid);
    await editor.saveRecord({ uid: recordUid, baseRevision, content: { ...content, title }, withheld });
    await Promise.all([owner.syncNow(), second.syncNow()]);
    await editor.syncNow();
  }
  await Promise.all([owner, second].map((engine) => engine.until(({ syncing }) => !syncing)));
  await Promise.all([owner.syncNow(), second.syncNow()]);
  const titles = await Promise.all(
    [owner, second].map(async (engine) => (await engine.readRecord(recordUid)).content.title),
  );
  expect(titles).toEqual(['three', 'three']);
  expect([owner, second].map((engine) => engine.states.at(-1)?.vaultIncomplete)).toEqual([false, false]);
});
