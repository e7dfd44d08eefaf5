// Attack class 12: a former roster beside the newest vault. The server shows a fresh device the organisation as it was before
// somebody was removed, so that they are shared with, or a team's former key is used.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { organisationPassword, startOrganisation, untilMembers } from '../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';

let server: OpenServer;
let engines: TestEngine[] = [];
let eveUid: Uid;
beforeAll(async () => {
  server = await startOpenServer();
  engines = (await startOrganisation(server.server.url, 3)).map(({ engine }) => engine);
  eveUid = (await person(2).readOrganisation()).ownUid;
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await server.close();
});

function person(at: number): TestEngine {
  const engine = engines[at];
  if (!engine) throw new Error('nobody');
  return engine;
}

const login = { type: 'login', title: 'a secret', fields: [] };

async function onFreshDevice() {
  const engine = await startEngine(server.server.url);
  engines.push(engine);
  await engine.signIn({ email: 'person-1@example.test', password: organisationPassword });
  await engine.syncNow();
  return { engine, incomplete: engine.states.at(-1)?.vaultIncomplete };
}

test('a vault that was written under a newer roster is incomplete, and shares with nobody', async () => {
  const { db } = server;
  const [ada, ben] = [person(0), person(1)];
  const former = await db
    .selectFrom('organisation')
    .select(['roster', 'roster_version'])
    .executeTakeFirstOrThrow();
  await ada.removeMember(eveUid);
  await untilMembers(ben, 2);
  await ben.saveRecord({ content: login });
  expect(await onFreshDevice()).toMatchObject({ incomplete: false });

  await db.updateTable('organisation').set(former).execute();
  await db.deleteFrom('roster_link').where('version', '>', former.roster_version).execute();
  await db.updateTable('account').set({ in_roster: true }).execute();
  const { engine, incomplete } = await onFreshDevice();
  expect(incomplete).toBe(true);
  await expect(engine.repairVault(await engine.readRepair())).rejects.toMatchObject({ name: 'untrusted' });
  const recordUid = await engine.saveRecord({ content: login }).catch(() => null);
  const grantees = [{ kind: 'account' as const, uid: eveUid }];
  const sharing = engine.shareRecords({
    recordUids: recordUid === null ? [] : [recordUid],
    grantees,
    rights: 'view',
    expiresAt: null,
  });
  await expect(sharing).rejects.toMatchObject({
    name: expect.stringMatching(/untrusted|incomplete|conflict/) as string,
  });
});
