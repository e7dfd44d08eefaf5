// Attack class 25, by an editor: they lead a shared machine elsewhere, and hope that its owner's vault hands that, and
// the owner's passwords, to the gateway. Real server, real engines.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { readHostname, readPamSettings } from '../../../protocol/records/pam-settings.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { FakeGateway } from '../../fakes/engine-gateway.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startMachineOwners, type MachineOwners } from '../../fixtures/machine-owners.ts';
import { organisationPassword } from '../../fixtures/organisation.ts';

let owners: MachineOwners;
let owner: TestEngine;
let editor: TestEngine;
let gateway: FakeGateway;
let configurationUid: Uid;

beforeAll(async () => {
  owners = await startMachineOwners();
  ({ owner, editor, gateway, configurationUid } = owners);
});
afterAll(() => owners.close());

const user = (title: string) =>
  owner.saveRecord({
    content: { type: 'pamUser', title, fields: [{ type: 'password', value: [`password of ${title}`] }] },
  });

/** A machine of the owner's with a credential of its own, shared with the editor. */
async function sharedMachine() {
  const credentialUid = await user('root');
  const connection = { launchCredentialUid: credentialUid, hostKey: 'ssh-ed25519 AAAA' };
  const content: RecordContent = {
    type: 'pamMachine',
    title: 'Build host',
    fields: [
      { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
      { type: 'pamSettings', value: [{ configurationUid, connection }] },
    ],
  };
  const machineUid = await owner.saveRecord({ content });
  const editorUid = (await editor.readOrganisation()).ownUid;
  const grantees = [{ kind: 'account', uid: editorUid } as const];
  await owner.shareRecords({ recordUids: [machineUid], grantees, rights: 'edit', expiresAt: null });
  await editor.syncNow();
  return { machineUid, credentialUid };
}

async function edit(by: TestEngine, uid: Uid, change: (content: RecordContent) => RecordContent) {
  const { revision, content, withheld } = await by.readRecord(uid);
  await by.saveRecord({ uid, baseRevision: revision, content: change(content), withheld });
}

const toHost = (hostName: string) => (content: RecordContent) =>
  withValue(content, 'pamHostname', [{ hostName, port: '22' }]);
const toCredential = (launchCredentialUid: Uid) => (content: RecordContent) =>
  withValue(content, 'pamSettings', [{ configurationUid, connection: { launchCredentialUid } }]);
const entitled = (title: string) => (content: RecordContent) => ({ ...content, title });

const hostAt = async (machineUid: Uid) => {
  const machine = (await gateway.records()).get(machineUid);
  return machine && readHostname(machine).host;
};

test('an editor’s other host reaches no gateway before the owner confirms it', async () => {
  const { machineUid } = await sharedMachine();
  await edit(editor, machineUid, toHost('evil.example'));
  await owner.syncNow();
  expect((await owner.readRecord(machineUid)).unconfirmed).toBe(true);
  expect(await hostAt(machineUid)).toBe('10.0.0.5');
  const peer = { peerUid: newUid(), offer: 'offer' };
  const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };
  await expect(owner.startSession({ recordUid: machineUid, ...peer, display })).rejects.toMatchObject({
    name: 'not-allowed',
  });
  // What the owner writes afterwards does not stand for what they were never asked.
  await edit(owner, machineUid, entitled('Other title'));
  await owner.lock();
  await owner.unlock({ password: organisationPassword });
  await owner.syncNow();
  expect(await hostAt(machineUid)).toBe('10.0.0.5');
  expect((await owner.readRecord(machineUid)).unconfirmed).toBe(true);
  await editor.syncNow();
  for (const engine of [owner, editor]) {
    expect((await engine.readRecord(machineUid)).unconfirmed).toBe(true);
    const confirmed = await engine.readConfirmedRevision(machineUid);
    expect(confirmed && readHostname(confirmed.content).host).toBe('10.0.0.5');
  }

  const { revision } = await owner.readRecord(machineUid);
  await expect(
    owner.confirmMachineChange({ recordUid: machineUid, revision: revision - 1 }),
  ).rejects.toMatchObject({ name: 'conflict' });
  await expect(editor.confirmMachineChange({ recordUid: machineUid, revision })).rejects.toMatchObject({
    name: 'not-allowed',
  });
  await owner.confirmMachineChange({ recordUid: machineUid, revision });
  expect((await owner.readRecord(machineUid)).unconfirmed).toBe(false);
  expect(await hostAt(machineUid)).toBe('evil.example');
});

test('an editor gets no other credential to the gateway, and no pin away from it', async () => {
  const { machineUid, credentialUid } = await sharedMachine();
  const secretUid = await user('never shared');
  await edit(editor, machineUid, toCredential(secretUid));
  await owner.syncNow();
  await owner.lock();
  await owner.unlock({ password: organisationPassword });
  await owner.syncNow();
  const records = await gateway.records();
  expect(records.has(secretUid)).toBe(false);
  const machine = records.get(machineUid);
  const { connection } = readPamSettings(machine ?? { type: '', title: '', fields: [] });
  expect(connection).toMatchObject({ launchCredentialUid: credentialUid, hostKey: 'ssh-ed25519 AAAA' });
});

test('what an editor changes beside that goes its way', async () => {
  const { machineUid } = await sharedMachine();
  await edit(editor, machineUid, entitled('Renamed'));
  await owner.syncNow();
  const { content, unconfirmed, revision } = await owner.readRecord(machineUid);
  expect([content.title, unconfirmed]).toEqual(['Renamed', false]);
  const given = async () => (await gateway.records(), gateway.revisions.get(machineUid));
  await expect.poll(given).toBe(BigInt(revision)); // once it is in the owner's manifest
});

test('a copy of a machine that was not confirmed is not confirmed either', async () => {
  const { machineUid } = await sharedMachine();
  const honest = await owner.duplicateRecord(machineUid);
  expect((await owner.readRecord(honest)).unconfirmed).toBe(false);
  await edit(editor, machineUid, toHost('evil.example'));
  await owner.syncNow();
  const planted = await owner.duplicateRecord(machineUid);
  expect((await owner.readRecord(planted)).unconfirmed).toBe(true);
  expect(await hostAt(planted)).toBeUndefined();
});
