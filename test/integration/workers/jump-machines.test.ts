// Machines behind others, as the vault hands them to a gateway and to who may launch them. Real server, real engines.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstValue, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startMachineOwners, type MachineOwners } from '../../fixtures/machine-owners.ts';

let owners: MachineOwners;
let owner: TestEngine;
let other: TestEngine;

beforeAll(async () => {
  owners = await startMachineOwners();
  ({ owner, editor: other } = owners);
  const version = owner.states.at(-1)?.gatewaysVersion ?? 0;
  await owners.gateway.connect();
  await owner.until((state) => state.gatewaysVersion > version);
});
afterAll(async () => {
  await owners.gateway.close();
  await owners.close();
});

const user = (title: string, by = owner) =>
  by.saveRecord({ content: { type: 'pamUser', title, fields: [{ type: 'login', value: ['root'] }] } });

async function machine(title: string, connection: object, by = owner): Promise<Uid> {
  const { configurationUid } = owners;
  const launchCredentialUid = await user(`root of ${title}`, by);
  const content: RecordContent = {
    ...{ type: 'pamMachine', title },
    fields: [
      { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
      {
        type: 'pamSettings',
        value: [{ configurationUid, connection: { launchCredentialUid, ...connection } }],
      },
    ],
  };
  return await by.saveRecord({ content });
}

const pinned = { hostKey: 'ssh-ed25519 AAAA' };
const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };
const start = (by: TestEngine, recordUid: Uid) =>
  by.startSession({ recordUid, peerUid: newUid(), offer: 'the offer', display });
/** What the last connect said of the machine in between. */
const stated = () => owners.gateway.sessions.at(-1)?.request.jump;

async function change(uid: Uid, connection: object): Promise<number> {
  const { revision, content, withheld } = await owner.readRecord(uid);
  const settings = firstValue(content, 'pamSettings') as { readonly connection: object };
  const value = { ...settings, connection: { ...settings.connection, ...connection } };
  await owner.saveRecord({
    ...{ uid, baseRevision: revision, withheld },
    content: withValue(content, 'pamSettings', [value]),
  });
  return revision + 1;
}

test('a connect states the jump machine as the vault has it', async () => {
  const jump = await machine('bastion', pinned);
  const target = await machine('db', { jumpMachineUid: jump });
  await start(owner, target);
  expect(stated()).toMatchObject({
    recordRevision: 1n,
    credentialRevision: 1n,
    pinnedHostKey: pinned.hostKey,
  });
  const revision = await change(jump, { hostKey: 'ssh-ed25519 BBBB' });
  await start(owner, target);
  expect(stated()).toMatchObject({ recordRevision: BigInt(revision), pinnedHostKey: 'ssh-ed25519 BBBB' });
  const records = await owners.gateway.records();
  expect([records.has(jump), records.has(target)]).toEqual([true, true]);
});

test('whom it is shared with states it too, as its owner has it by then, and needs no right on it', async () => {
  const jump = await machine('bastion', pinned);
  const target = await machine('db', { jumpMachineUid: jump });
  const grantees = [{ kind: 'account', uid: (await other.readOrganisation()).ownUid } as const];
  await owner.shareRecords({ recordUids: [target], grantees, rights: 'launch', expiresAt: null });
  await other.syncNow();
  await expect(other.readRecord(jump)).rejects.toMatchObject({ name: 'not-found' });
  await start(other, target);
  expect(stated()).toMatchObject({ recordRevision: 1n, credentialRevision: 1n, pinnedHostKey: '' });
  const revision = await change(jump, { hostKey: 'ssh-ed25519 BBBB' });
  await expect
    .poll(
      async () => {
        await other.syncNow();
        await start(other, target);
        return stated()?.recordRevision;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(BigInt(revision));
});

test.each<[string, (jump: Uid) => Promise<object>, RegExp]>([
  ['itself behind another', async () => ({ jumpMachineUid: await machine('third', {}) }), /behind/],
  ['reached over VNC', () => Promise.resolve({ protocol: 'vnc' }), /SSH/],
  ['without a credential', () => Promise.resolve({ launchCredentialUid: '' }), /credential/],
])('a jump machine that is %s is refused before anything is sent', async (_, settings, why) => {
  const jump = await machine('bastion', pinned);
  const target = await machine('db', { jumpMachineUid: jump });
  await change(jump, await settings(jump));
  const before = owners.gateway.sessions.length;
  await expect(start(owner, target)).rejects.toMatchObject({
    name: 'jump-unusable',
    message: expect.stringMatching(why) as string,
  });
  expect(owners.gateway.sessions).toHaveLength(before);
});

test('so is one that is gone, one of somebody else, and the machine itself', async () => {
  const target = await machine('db', { jumpMachineUid: newUid() });
  await expect(start(owner, target)).rejects.toMatchObject({ name: 'jump-unusable' });
  await change(target, { jumpMachineUid: target });
  await expect(start(owner, target)).rejects.toMatchObject({ name: 'jump-unusable' });
  const theirs = await machine('theirs', pinned, other);
  const grantees = [{ kind: 'account', uid: (await owner.readOrganisation()).ownUid } as const];
  await other.shareRecords({ recordUids: [theirs], grantees, rights: 'edit', expiresAt: null });
  await owner.syncNow();
  await change(target, { jumpMachineUid: theirs });
  await expect(start(owner, target)).rejects.toMatchObject({
    name: 'jump-unusable',
    message: 'the jump machine belongs to somebody else',
  });
});

test('an editor who puts another machine in between is found out', async () => {
  const target = await machine('db', {});
  const jump = await machine('bastion', pinned);
  const grantees = [{ kind: 'account', uid: (await other.readOrganisation()).ownUid } as const];
  await owner.shareRecords({ recordUids: [target], grantees, rights: 'edit', expiresAt: null });
  await other.syncNow();
  const { revision, content, withheld } = await other.readRecord(target);
  const settings = firstValue(content, 'pamSettings') as { readonly connection: object };
  const led = { ...settings, connection: { ...settings.connection, jumpMachineUid: jump } };
  await other.saveRecord({
    ...{ uid: target, baseRevision: revision, withheld },
    content: withValue(content, 'pamSettings', [led]),
  });
  await owner.syncNow();
  expect((await owner.readRecord(target)).unconfirmed).toBe(true);
  await expect(start(owner, target)).rejects.toMatchObject({ name: 'not-allowed' });
});
