// Attack class 10: injected keys. A server fills the keys of teams that a device stores, and opens with each unlock,
// with what the organisation never sealed to its owner.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { TeamKeySchema, type TeamKey } from '../../protocol/messages/gen/organisation_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { openLocalAccount } from '../../workers/engine/account/local-account.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';

let server: HostileServer;
let engine: TestEngine;
let ownUid: Uid;
let teamUid: Uid;

/** A founder with a team whose key has been replaced twice, so that there are versions to make things up for. */
beforeEach(async () => {
  server = await HostileServer.start();
  engine = await startEngine(server.origin, { transport: server.transport });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'founder@example.test', password });
  await engine.syncNow();
  ({ ownUid } = await engine.readOrganisation());
  teamUid = await engine.createTeam({ name: 'Operations', memberUids: [ownUid] });
  await engine.setTeamMembers({ teamUid, memberUids: [] });
  await engine.setTeamMembers({ teamUid, memberUids: [ownUid] });
  await engine.syncNow();
});
afterEach(() => engine.close());

async function stored(): Promise<readonly TeamKey[]> {
  const { account } = await openLocalAccount((await engine.storage.readAccount()) as Bytes, password);
  return account.organisation.teamKeys;
}

async function newestStored(): Promise<number> {
  return Math.max(...(await stored()).map(({ keyVersion }) => keyVersion));
}

function madeUp(change: Partial<TeamKey> = {}): TeamKey {
  const junk = {
    ...{ teamUid: uidBytes(teamUid), memberUid: uidBytes(ownUid), keyVersion: 1 },
    ...{ sealedKey: randomBytes(125), signature: randomBytes(64) },
  };
  return create(TeamKeySchema, { ...junk, ...change });
}

/** How long the stored state may be is known by the names of what is in it. */
async function expectTheOrganisations(signed: readonly TeamKey[]): Promise<void> {
  const name = (key: TeamKey) => `${uidOf(key.teamUid)} ${key.keyVersion} ${key.signature.join()}`;
  const known = new Set(signed.map(name));
  for (const key of await stored()) expect(known).toContain(name(key));
}

test('what the organisation did not sign is not stored, and the keys beside it are', async () => {
  const signed = [...server.organisation.teamKeys];
  const newest = await newestStored();
  server.organisation.teamKeys = [madeUp(), madeUp({ keyVersion: newest }), ...signed];
  await engine.syncNow();
  expect((await engine.readOrganisation()).refused).toBe(true);
  await engine.lock();
  await expectTheOrganisations(signed);
  expect(await newestStored()).toBe(newest);
});

test('neither are versions that no roster names yet, other teams, other members, or one key many times', async () => {
  const signed = [...server.organisation.teamKeys];
  const newest = await newestStored();
  const before = (await stored()).length;
  const others = [madeUp({ teamUid: uidBytes(newUid()) }), madeUp({ memberUid: uidBytes(newUid()) })];
  const later = Array.from({ length: 500 }, (_, i) => madeUp({ keyVersion: newest + 1 + i }));
  const again = Array.from({ length: 500 }, () => signed).flat();
  server.organisation.teamKeys = [...others, ...later, ...again];
  await engine.syncNow();
  await engine.lock();
  await expectTheOrganisations(signed);
  expect((await stored()).length).toBeLessThanOrEqual(before);
});

test('a signature counts for the key that it was made for alone', async () => {
  const signed = [...server.organisation.teamKeys];
  server.organisation.teamKeys = signed.map((key) =>
    create(TeamKeySchema, { ...key, sealedKey: randomBytes(125) }),
  );
  await engine.syncNow();
  expect((await engine.readOrganisation()).refused).toBe(true);
  await engine.lock();
  const sealed = new Set(signed.map(({ sealedKey }) => sealedKey.join()));
  for (const key of await stored()) expect(sealed).toContain(key.sealedKey.join());
});

test('page after page of them ends soon: little is verified, and the organisation is as it was', async () => {
  const signed = [...server.organisation.teamKeys];
  const newest = await newestStored();
  const between = signed.map(({ keyVersion }) => keyVersion);
  const keyVersion = Array.from({ length: newest }, (_, i) => i + 1).find((one) => !between.includes(one));
  if (keyVersion === undefined) throw new Error('no version of the time without this account');
  const page = Array.from({ length: 2_000 }, () => madeUp({ keyVersion }));
  server.organisation.moreTeamKeys = Array.from({ length: 20 }, () => page);
  await engine.syncNow();
  expect(server.organisation.moreTeamKeys.length).toBeGreaterThan(18);
  expect((await engine.readOrganisation()).refused).toBe(true);
  await engine.lock();
  await expectTheOrganisations(signed);
  expect(await newestStored()).toBe(newest);
});
