// Attack class 25, by an editor: they lead a shared machine back to where it led before, and put its owner's word of that
// time with it. The former host may be somebody else's by now. Real server and engines, and a real gateway.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { withValue, type RecordContent } from '../../protocol/records/content.ts';
import { readHostname } from '../../protocol/records/pam-settings.ts';
import { signConnection } from '../../protocol/signed/connection-signature.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type * as recordView from '../../workers/engine/records/record-view.ts';
import { EachInstallation } from '../fakes/each-installation.ts';
import type { FakeGateway } from '../fakes/engine-gateway.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { startMachineOwners, type MachineOwners } from '../fixtures/machine-owners.ts';
import { organisationPassword } from '../fixtures/organisation.ts';

/** A client that was tampered with: what it seals in the place of what has that title, and what it keeps of others. */
const tampered = vi.hoisted(() => ({ seals: new Map<string, unknown>(), kept: [] as unknown[] }));
vi.mock('../../workers/engine/records/record-view.ts', async (original) => {
  const real = await original<typeof recordView>();
  const completeContent: typeof real.completeContent = (input, current) => {
    if (input.content.title === 'keep') tampered.kept.push(current);
    return (
      (tampered.seals.get(input.content.title) as RecordContent | undefined) ??
      real.completeContent(input, current)
    );
  };
  return { ...real, completeContent };
});

describe('at the vault', () => {
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

  async function sharedMachine(): Promise<Uid> {
    const credentialUid = await owner.saveRecord({
      content: { type: 'pamUser', title: 'root', fields: [{ type: 'password', value: ['root’s password'] }] },
    });
    const connection = { launchCredentialUid: credentialUid, hostKeyPolicy: 'trust-on-first-use' };
    const uid = await owner.saveRecord({
      content: {
        type: 'pamMachine',
        title: 'Build host',
        fields: [
          { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
          { type: 'pamSettings', value: [{ configurationUid, connection }] },
        ],
      },
    });
    const grantees = [{ kind: 'account', uid: (await editor.readOrganisation()).ownUid } as const];
    await owner.shareRecords({ recordUids: [uid], grantees, rights: 'edit', expiresAt: null });
    return uid;
  }

  async function edit(by: TestEngine, uid: Uid, change: (content: RecordContent) => RecordContent) {
    await by.syncNow();
    const { revision, content, withheld } = await by.readRecord(uid);
    await by.saveRecord({ uid, baseRevision: revision, content: change(content), withheld });
  }

  const toHost = (hostName: string) => (content: RecordContent) =>
    withValue(content, 'pamHostname', [{ hostName, port: '22' }]);
  const entitled = (title: string) => (content: RecordContent) => ({ ...content, title });

  const hostAt = async (uid: Uid) => {
    const machine = (await gateway.records()).get(uid);
    return machine && readHostname(machine).host;
  };

  /** The machine led to 10.0.0.5, then its owner led it to 10.0.0.6; the editor brings back all of the former. */
  async function broughtBack(): Promise<Uid> {
    const uid = await sharedMachine();
    await edit(editor, uid, entitled('keep'));
    await owner.syncNow();
    await edit(owner, uid, toHost('10.0.0.6'));
    expect(await hostAt(uid)).toBe('10.0.0.6');
    tampered.seals.set('former', tampered.kept.at(-1));
    await edit(editor, uid, entitled('former'));
    await owner.syncNow();
    expect(readHostname((await owner.readRecord(uid)).content).host).toBe('10.0.0.5');
    return uid;
  }

  test('the former host and the word of then reach no gateway, and no session is begun', async () => {
    const uid = await broughtBack();
    expect((await owner.readRecord(uid)).unconfirmed).toBe(true);
    const confirmed = await owner.readConfirmedRevision(uid);
    expect(confirmed && readHostname(confirmed.content).host).toBe('10.0.0.6');
    const peer = { peerUid: newUid(), offer: 'offer' };
    const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };
    await expect(owner.startSession({ recordUid: uid, ...peer, display })).rejects.toMatchObject({
      name: 'not-allowed',
    });
    await owner.lock();
    await owner.unlock({ password: organisationPassword });
    await owner.syncNow();
    await edit(owner, uid, entitled('Build host'));
    expect((await owner.readRecord(uid)).unconfirmed).toBe(true);
    expect(await hostAt(uid)).toBe('10.0.0.6');
  });

  test('nor do they by way of a device that sees the vault for the first time', async () => {
    const uid = await broughtBack();
    const fresh = await startEngine(owners.url);
    await fresh.signIn({ email: 'person-0@example.test', password: organisationPassword });
    await fresh.syncNow();
    expect((await fresh.readRecord(uid)).unconfirmed).toBe(true);
    expect(await hostAt(uid)).toBe('10.0.0.6');
    await fresh.close();
  });

  test('the owner may go back there: what they restore or confirm is their word of now', async () => {
    const uid = await broughtBack();
    const { revision } = await owner.readRecord(uid);
    await owner.confirmMachineChange({ recordUid: uid, revision });
    expect(await hostAt(uid)).toBe('10.0.0.5');
    await edit(owner, uid, toHost('10.0.0.7'));
    await owner.restoreRevision({ recordUid: uid, revision });
    expect((await owner.readRecord(uid)).unconfirmed).toBe(false);
    expect(await hostAt(uid)).toBe('10.0.0.5');
  });
});

describe('at the gateway', () => {
  const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };
  const each = new EachInstallation(target);

  /** As a vault of the owner's seals it that was taken in: a newer revision, with that word of the owner's. */
  async function put(counter: bigint, host: string) {
    const { person, machineUid, configurationUid } = each.made;
    const scope = { recordUid: machineUid, ownerUid: person.accountUid };
    const content: RecordContent = {
      type: 'pamMachine',
      title: '',
      fields: [
        { type: 'pamHostname', value: [{ hostName: host, port: '9' }] },
        { type: 'pamSettings', value: [{ configurationUid, connection: { protocol: 'ssh' } }] },
      ],
    };
    const confirmation = encodeBase64url(await signConnection(person.signer, scope, counter, content));
    await each.made.putMachine({ ...target, host }, { confirmation });
  }

  test('a machine with a former word of its owner’s is refused, however new its copy is', async () => {
    await put(3n, '127.0.0.2');
    expect(await each.fateOfConnect()).toBe('done');
    await put(7n, '127.0.0.3');
    expect(await each.fateOfConnect()).toBe('done');
    await put(3n, '127.0.0.2');
    expect(await each.fateOfConnect()).toBe('record-outdated');
    await each.made.putMachine({ ...target, host: '127.0.0.2' });
    expect(await each.fateOfConnect()).toBe('record-outdated');
    await put(8n, '127.0.0.2');
    expect(await each.fateOfConnect()).toBe('done');
  });
});
