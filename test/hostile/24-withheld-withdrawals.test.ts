// Attack class 24: access is taken back while a session runs, and whoever lost it has the router on their side: it forges,
// replays or withholds the word, and keeps former copies. The real gateway, a router that lies.
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { CommandKind, WithdrawalKind } from '../../protocol/messages/gen/command_pb.js';
import { launchRights, viewRights, type Rights } from '../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { sealEntry, sealGrant, type GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import { Installation } from '../fakes/installation.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';
import { FakePage } from '../fakes/page.ts';
import type { VaultSession } from '../fakes/session-signals.ts';

const leaseMs = 4_000; // what is said within one is, on a busy machine, too
// It takes connections and says nothing: a session lasts until somebody ends it.
const silent = net.createServer(() => {});
let made: Installation;
let ada: Person;
let ben: Person;
let cora: Person;
const pages: FakePage[] = [];

beforeAll(async () => {
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(() => void silent.close());

const target = () => {
  const { port } = silent.address() as net.AddressInfo;
  return { host: '127.0.0.1', port, username: 'nobody', password: 'x' };
};

beforeEach(async () => {
  made = await Installation.make(target());
  [ada, ben, cora] = [made.person, newPerson(), newPerson()];
  made.router.roster = await made.organisation.roster(1n, [ada, ben, cora]);
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
});

async function start(more: { accessLeaseMs?: number } = {}): Promise<void> {
  const { host, port } = target();
  await made.start({ GUACD_HOST: host, GUACD_PORT: String(port) }, more);
}

const machine = (keyVersion = 1): GivenObject => ({
  ...{ kind: 'record', uid: made.machineUid, ownerUid: ada.accountUid },
  ...{ key: randomBytes(32), keyVersion },
});

function grant(from: Person, to: Person, rights: Rights = launchRights, object = machine()) {
  const grantee = { kind: 'account', uid: to.accountUid, publicKey: to.ecdh.publicKey } as const;
  return sealGrant(from, object, grantee, { rights, expiresAtMs: 0, issuedAtMs: Date.now() });
}

interface Proof {
  readonly grants: Awaited<ReturnType<typeof grant>>[];
  readonly entries?: Awaited<ReturnType<typeof sealEntry>>[];
}

async function connect(person: Person, access?: Proof) {
  const page = new FakePage();
  pages.push(page);
  const session = await made.prepare(page, { person, ...(access && { access }) });
  const reply = await made.router.relay(session.command);
  const { outcome } = reply;
  return { session, reply, said: outcome.case === 'sealed' ? 'connected' : (outcome.value?.code ?? '') };
}

const endOf = async (session: VaultSession) => (await session.signal('ended')).body.value;

function takenBack(from: Person, object: GivenObject, out: Uid, kind = WithdrawalKind.RECORD) {
  return withdrawal(object.uid, object.ownerUid, out, kind, from);
}

async function withdrawal(uid: Uid, ownerUid: Uid, out: Uid, kind: WithdrawalKind, by: Person, more = {}) {
  const one = {
    ...{ kind, objectUid: uidBytes(uid), objectOwnerUid: uidBytes(ownerUid), outUid: uidBytes(out) },
    untilMs: BigInt(Date.now()),
  };
  return await made.accessCommand(by, CommandKind.END_ACCESS, { withdrawals: [one], ...more });
}

describe('a word that reaches the gateway', () => {
  test('ends the sessions that rest on it, at once, and says who took the access back', async () => {
    await start();
    const proof = { grants: [await grant(ada, ben)] };
    const [{ session }, own, others] = [
      await connect(ben, proof),
      await connect(ada),
      await connect(cora, { grants: [await grant(ada, cora)] }),
    ];
    expect(await made.tell(ada, await takenBack(ada, machine(), ben.accountUid))).toBe(1);
    expect(await endOf(session)).toMatchObject({
      code: 'access-taken-back',
      message: `${ada.accountUid}@example.test`,
    });
    const running = made.gateway?.sessions.list().map(({ uid }) => uid);
    expect(running?.toSorted()).toEqual([own.session.sessionUid, others.session.sessionUid].toSorted());
    expect(made.logLines.join()).not.toContain('@example.test');
    // The former grant counts no more, whoever shows it; a later one does.
    expect((await connect(ben, proof)).said).toBe('not-allowed');
    expect((await connect(ben, { grants: [await grant(ada, ben)] })).said).toBe('connected');
  });

  test('of a membership, of a record that left its folder, and of somebody who shared it on', async () => {
    await start();
    const folder: GivenObject = { ...machine(), kind: 'folder', uid: newUid() };
    const place = { rights: viewRights, subfolderUid: null, issuedAtMs: Date.now() };
    const entry = await sealEntry(ada, folder, machine(), place);
    const member = { grants: [await grant(ada, ben, launchRights, folder)], entries: [entry] };
    const { session: byFolder } = await connect(ben, member);
    const chain = [await grant(ada, cora, { ...viewRights, share: true }), await grant(cora, ben)];
    const { session: byCora } = await connect(ben, { grants: chain });
    expect(await made.tell(ada, await takenBack(ada, folder, ben.accountUid, WithdrawalKind.FOLDER))).toBe(1);
    expect(await endOf(byFolder)).toMatchObject({ code: 'access-taken-back' });
    expect(await made.tell(cora, await takenBack(cora, machine(), ben.accountUid))).toBe(1);
    expect(await endOf(byCora)).toMatchObject({ message: `${cora.accountUid}@example.test` });

    const { session: byEntry } = await connect(cora, {
      grants: [await grant(ada, cora, launchRights, folder)],
      entries: [entry],
    });
    const out = await takenBack(ada, folder, made.machineUid, WithdrawalKind.ENTRY);
    expect(await made.tell(ada, out)).toBe(1);
    expect(await endOf(byEntry)).toMatchObject({ code: 'access-taken-back' });
  });

  test('of who manages the members of another’s folder, with the rights that they show and no further', async () => {
    await start();
    const folder: GivenObject = { ...machine(), kind: 'folder', uid: newUid() };
    const place = { rights: viewRights, subfolderUid: null, issuedAtMs: Date.now() };
    const entry = await sealEntry(ada, folder, machine(), place);
    const manager = await grant(ada, cora, { ...viewRights, manageMembers: true }, folder);
    const member = await grant(ada, ben, launchRights, folder);
    await connect(ben, { grants: [member], entries: [entry] });
    const say = (access?: Proof) =>
      withdrawal(folder.uid, ada.accountUid, ben.accountUid, WithdrawalKind.FOLDER, cora, { access });
    expect(await made.tell(cora, await say())).toBe(0);
    expect(await made.tell(cora, await say({ grants: [await grant(cora, cora, viewRights, folder)] }))).toBe(
      0,
    );
    const reissued = { ...folder, keyVersion: 2 }; // the folder's key was replaced when cora was taken off
    const { session } = await connect(ben, {
      grants: [await grant(ada, ben, launchRights, reissued)],
      entries: [entry],
    });
    expect(await made.tell(cora, await say({ grants: [manager] }))).toBe(1);
    expect(made.gateway?.sessions.find(session.sessionUid)).not.toBeNull();
  });
});

describe('a forged or repeated word', () => {
  test('ends nothing', async () => {
    await start();
    const { session } = await connect(ben, { grants: [await grant(ada, ben)] });
    const runs = () => made.gateway?.sessions.find(session.sessionUid) !== null;
    // Of somebody who gave nothing, in their own name, and naming themselves the owner.
    expect(await made.tell(cora, await takenBack(cora, machine(), ben.accountUid))).toBe(0);
    const asOwner = { ...machine(), ownerUid: cora.accountUid };
    expect(await made.tell(cora, await takenBack(cora, asOwner, ben.accountUid))).toBe(0);
    // In the owner's name, of the router's own.
    const router = { ...newPerson(), accountUid: ada.accountUid };
    expect(await made.tell(router, await takenBack(router, machine(), ben.accountUid))).toBe('bad-signature');
    // About what is still to come.
    const ahead = { kind: WithdrawalKind.RECORD, untilMs: BigInt(Date.now() + 3_600_000) };
    const uids = { objectUid: uidBytes(made.machineUid), objectOwnerUid: uidBytes(ada.accountUid) };
    const words = [{ ...ahead, ...uids, outUid: uidBytes(ben.accountUid) }];
    const late = await made.accessCommand(ada, CommandKind.END_ACCESS, { withdrawals: words });
    expect(await made.tell(ada, late)).toBe('malformed');
    expect(runs()).toBe(true);
  });

  test('repeated takes nothing away that was given afterwards', async () => {
    await start();
    await connect(ben, { grants: [await grant(ada, ben)] });
    const word = await takenBack(ada, machine(), ben.accountUid);
    expect(await made.tell(ada, word)).toBe(1);
    const { session, said } = await connect(ben, { grants: [await grant(ada, ben)] });
    expect(said).toBe('connected');
    expect(await made.tell(ada, word)).toBe('replayed');
    expect(made.gateway?.sessions.find(session.sessionUid)).not.toBeNull();
  });

  test('of another account raises nobody’s records; of their owner it does, whatever the server keeps', async () => {
    await start();
    const states = [{ recordUid: uidBytes(made.machineUid), revision: 9n, keyVersion: 2 }];
    const say = (by: Person) => made.accessCommand(by, CommandKind.END_ACCESS, { records: states });
    expect(await made.tell(cora, await say(cora))).toBe(0);
    const proof = { grants: [await grant(ada, ben)] };
    expect((await connect(ben, proof)).said).toBe('connected');
    expect(await made.tell(ada, await say(ada))).toBe(0);
    // The former copy, the former grant, and a vault that states whatever suits it.
    expect((await connect(ben, proof)).said).toBe('record-outdated');
  });
});

describe('a word that is withheld', () => {
  const renew = async (by: Person, { sessionUid }: VaultSession, grants: Proof['grants'], keyVersion = 1) =>
    await made.tell(
      by,
      await made.accessCommand(by, CommandKind.RENEW_ACCESS, {
        ...{ sessionUid: uidBytes(sessionUid), keyVersion, access: { grants } },
      }),
    );

  test('is late by one lease: whose vault says nothing is out', async () => {
    await start({ accessLeaseMs: leaseMs });
    const before = performance.now();
    const { session, reply } = await connect(ben, { grants: [await grant(ada, ben)] });
    expect((await made.openReply(session, reply)).accessLeaseMs).toBe(leaseMs);
    const own = await connect(ada);
    expect((await made.openReply(own.session, own.reply)).accessLeaseMs).toBe(0);
    expect(await endOf(session)).toMatchObject({ code: 'access-not-renewed' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(leaseMs - 50);
    expect(made.gateway?.sessions.find(own.session.sessionUid)).not.toBeNull();
  });

  test('is made good by the next copy: the former grant does not renew, the new one does', async () => {
    await start({ accessLeaseMs: leaseMs });
    const [former, renewed] = [await grant(ada, ben), await grant(ada, cora)];
    const { session: out } = await connect(ben, { grants: [former] });
    const { session: stays } = await connect(cora, { grants: [renewed] });
    expect(await renew(ben, out, [former])).toBe(0);
    await made.putMachine(target(), {}, { keyVersion: 2 }); // the owner's vault replaced the key
    expect(await renew(ben, out, [former])).toBe('not-allowed');
    const anew = await grant(ada, cora, launchRights, machine(2));
    expect(await renew(cora, stays, [anew], 2)).toBe(0);
    // Without its renewal, who stays would be out first: the other was renewed after that one had begun.
    const ended: VaultSession[] = [];
    const end = async (session: VaultSession) => {
      expect(await endOf(session)).toMatchObject({ code: 'access-not-renewed' });
      ended.push(session);
    };
    await Promise.all([end(stays), end(out)]);
    expect(ended.map((session) => session === stays)).toEqual([false, true]);
  });

  test('is not made up for by a former copy, nor by another’s renewal', async () => {
    await start({ accessLeaseMs: leaseMs });
    const former = await grant(ada, ben);
    const { session } = await connect(ben, { grants: [former] });
    const copy = made.router.records.get(made.machineUid);
    // A vault that knows of the new key is not renewed by a former copy…
    expect(await renew(ben, session, [former], 2)).toBe('record-outdated');
    await made.putMachine(target(), {}, { keyVersion: 2 });
    expect(await renew(ben, session, [former])).toBe('not-allowed');
    if (copy) made.router.records.set(made.machineUid, copy);
    expect(await renew(ben, session, [former])).toBe('record-outdated'); // …nor a gateway that has seen the next one
    expect(await renew(cora, session, [former])).toBe('not-found');
    expect(await endOf(session)).toMatchObject({ code: 'access-not-renewed' });
  });
});

test('whose vault was signed out, as the router says, is out', async () => {
  await start();
  const { session } = await connect(ben, { grants: [await grant(ada, ben)] });
  made.router.send({ case: 'signedOut', value: { sessionUids: [uidBytes(session.sessionUid)] } });
  expect(await endOf(session)).toMatchObject({ code: 'signed-out' });
});
