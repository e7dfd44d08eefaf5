// Recovery at the server's own doors: people, devices and states that have no business there. protocol.md §21.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SignedRosterSchema } from '../../../protocol/messages/gen/account_pb.js';
import { RecoveryService, RenewedFactorsSchema } from '../../../protocol/messages/gen/recovery_pb.js';
import { signDeviceProof } from '../../../protocol/signed/device-proof.ts';
import { signEnrolment, signRelease, signRenewal } from '../../../protocol/signed/recovery.ts';
import { signRoster } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, registerPerson, type Person } from '../../fixtures/sharing-client.ts';

const api = RecoveryService.method;
const recoveryKey = generateEcdhKeyPair().publicKey;
let open: OpenServer;
let admin: Person, member: Person, colleague: Person, foreigner: Person;
let organisationUid: Uid;
let networks = 0;

beforeAll(async () => {
  open = await startOpenServer({}, { trustedProxies: ['127.0.0.1'] });
  [admin, member, colleague] = (await registerPeople(open, 3)) as [Person, Person, Person];
  foreigner = await registerPerson(open.server);
  organisationUid = admin.client.organisationUid ?? newUid();
  await open.db
    .updateTable('account')
    .set({ administrator: false })
    .where('account_uid', 'in', [uidBytes(member.uid), uidBytes(colleague.uid)])
    .execute();
  const roster = await signRoster(admin.client.organisation as Signer, {
    ...{
      organisationUid,
      version: 1n,
      parentHash: new Uint8Array(0),
      members: [],
      teams: [],
      ends: [],
      formerTeamMembers: [],
    },
    recoveryPublicKey: recoveryKey,
  });
  await open.db
    .updateTable('organisation')
    .set({ roster: encodeMessage(SignedRosterSchema, roster) })
    .where('organisation_uid', '=', uidBytes(organisationUid))
    .execute();
  await member.client.call(api.enrol, { enrolment: await enrolment(member) });
});
afterAll(() => open.close());

async function enrolment(of: Person, key: Uint8Array = recoveryKey, sealedDataKey = randomBytes(125)) {
  const sealedHash = sha256(sealedDataKey);
  const statement = { organisationUid, accountUid: of.uid, recoveryKey: key, sealedHash };
  return {
    ...{ recoveryKey: key, sealedDataKey, sealedHash },
    signature: await signEnrolment(of.signer, statement),
  };
}

/** A device without an account, and what it asked for. */
async function ask(email: string, requestUid = newUid()) {
  const client = await ApiClient.connect(open.server.url);
  const from = `192.0.${networks++}.9`; // each from a network of its own: how many may ask has tests of its own
  client.post = ({ path, body }) =>
    fetch(client.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', 'x-forwarded-for': from },
      body,
    });
  const temporaryKey = generateEcdhKeyPair().publicKey;
  const prove = (name: string, signer: Signer = client.device) =>
    signDeviceProof(signer, {
      ...{ method: `RecoveryService/${name}`, loginUid: uidBytes(requestUid) },
      deviceUid: uidBytes(client.deviceUid),
    });
  const named = async (name: string) => ({
    requestUid: uidBytes(requestUid),
    deviceProof: await prove(name),
  });
  const request = {
    ...(await named('RequestRecovery')),
    email,
    temporaryKey,
    device: client.deviceMessage(),
  };
  return { client, requestUid, temporaryKey, prove, named, request };
}
type Asked = Awaited<ReturnType<typeof ask>>;

async function asked(email: string): Promise<Asked> {
  await open.db.deleteFrom('recovery_request').execute();
  const device = await ask(email);
  await device.client.call(api.requestRecovery, device.request);
  return device;
}

const emailOf = async (person: Person) =>
  (
    await open.db
      .selectFrom('account')
      .select('email')
      .where('account_uid', '=', uidBytes(person.uid))
      .executeTakeFirstOrThrow()
  ).email;

interface ReleaseChanges {
  readonly signer?: Signer;
  readonly approver?: Uid;
  readonly request?: Uid;
  readonly reset?: boolean;
  readonly sealed?: Uint8Array<ArrayBuffer>;
}

async function approve(by: Person, device: Asked, changes: ReleaseChanges = {}): Promise<string> {
  const { signer = by.signer, approver = by.uid, sealed = randomBytes(125) } = changes;
  const statement = {
    ...{ organisationUid, accountUid: member.uid, requestUid: changes.request ?? device.requestUid },
    ...{ temporaryKey: device.temporaryKey, approverUid: approver, sealedDataKey: sealed },
    resetSecondFactors: false,
  };
  const signature = await signRelease(signer, statement);
  const release = {
    ...{ approverUid: uidBytes(approver), sealedDataKey: sealed, signature },
    resetSecondFactors: changes.reset ?? false,
  };
  return await codeOf(
    by.client.call(api.approveRequest, { requestUid: uidBytes(device.requestUid), release }),
  );
}

const factorsOf = () => ({
  passwordRecord: 'A'.repeat(256),
  passwordSealedDataKey: envelopeOf('password'),
  recoveryRecord: 'B'.repeat(256),
  recoverySealedDataKey: envelopeOf('recovery'),
});

async function finish(device: Asked, signer: Signer, changes: object = {}, request = device.requestUid) {
  const factors = { ...factorsOf(), ...changes };
  const encoded = encodeMessage(RenewedFactorsSchema, factors);
  const signature = await signRenewal(signer, {
    accountUid: member.uid,
    requestUid: request,
    factors: encoded,
  });
  const input = { ...(await device.named('FinishRenewal')), factors, signature };
  return await codeOf(device.client.call(api.finishRenewal, input));
}

const refused = async (call: Promise<unknown>, code: string) => expect(await codeOf(call)).toBe(code);

describe('enrolling', () => {
  const enrol = async (who: Person, given: object = {}, of = who) =>
    await codeOf(who.client.call(api.enrol, { enrolment: { ...(await enrolment(of)), ...given } }));

  test('is for the present key, signed by the account itself, over what is sent', async () => {
    const other = generateEcdhKeyPair().publicKey;
    expect(await enrol(member, await enrolment(member, other))).toBe('conflict');
    expect(await enrol(member, { recoveryKey: new Uint8Array(0) })).toBe('conflict');
    expect(await enrol(member, {}, colleague)).toBe('bad-signature');
    expect(await enrol(member, { sealedHash: randomBytes(32) })).toBe('malformed');
    expect(await enrol(member, { sealedDataKey: randomBytes(125) })).toBe('malformed');
    expect(await enrol(member, await enrolment(member, recoveryKey, randomBytes(124)))).toBe('malformed');
    expect(await enrol(member, { signature: new Uint8Array(64) })).toBe('bad-signature');
    await refused(member.client.call(api.enrol, {}), 'malformed');
    expect(await enrol(foreigner)).toBe('conflict');
    expect(await enrol(member)).toBe('done');
  });

  test('needs a login of the last minutes, and a place in the roster', async () => {
    const accountUid = uidBytes(colleague.uid);
    const setLogin = (login_at: number) =>
      open.db.updateTable('session').set({ login_at }).where('account_uid', '=', accountUid).execute();
    await setLogin(Date.now() - 11 * 60_000);
    expect(await enrol(colleague)).toBe('login-too-old');
    await setLogin(Date.now());
    const setMember = (in_roster: boolean) =>
      open.db.updateTable('account').set({ in_roster }).where('account_uid', '=', accountUid).execute();
    await setMember(false);
    expect(await enrol(colleague)).toBe('not-allowed');
    await setMember(true);
  });
});

describe('a request', () => {
  test('is signed by the device that it names, for this request, and has a UID of its own', async () => {
    const device = await asked(await emailOf(member));
    const again = await ask(await emailOf(member), device.requestUid);
    await refused(again.client.call(api.requestRecovery, again.request), 'conflict');
    await refused(device.client.call(api.requestRecovery, device.request), 'conflict');
    const odd = async (change: object, proofOf = 'RequestRecovery') => {
      const fresh = await ask(await emailOf(member));
      const deviceProof = await fresh.prove(proofOf);
      return await codeOf(
        fresh.client.call(api.requestRecovery, { ...fresh.request, deviceProof, ...change }),
      );
    };
    expect(await odd({}, 'AwaitRelease')).toBe('bad-signature');
    expect(await odd({ deviceProof: device.request.deviceProof })).toBe('bad-signature');
    expect(await odd({ requestUid: uidBytes(newUid()) })).toBe('bad-signature');
    expect(await odd({ device: device.client.deviceMessage() })).toBe('bad-signature');
    expect(await odd({ temporaryKey: new Uint8Array(65).fill(4) })).toBe('malformed');
    expect(await odd({ device: undefined })).toBe('malformed');
    expect(await odd({ email: 'no address' })).toBe('malformed');
  });

  test('is nobody else’s to follow, to end or to finish', async () => {
    const device = await asked(await emailOf(member));
    const thief = await ask('nobody@example.test', device.requestUid);
    const calls = [
      ...[['AwaitRelease', api.awaitRelease] as const, ['CancelRequest', api.cancelRequest] as const],
      ...[['StartRenewal', api.startRenewal] as const, ['FinishRenewal', api.finishRenewal] as const],
    ];
    for (const [name, method] of calls) {
      await refused(thief.client.call(method, await thief.named(name)), 'bad-signature');
      const others = { ...(await device.named(name)), deviceProof: await device.prove('RequestRecovery') };
      await refused(device.client.call(method, others), 'bad-signature');
      const unknown = { ...(await device.named(name)), requestUid: uidBytes(newUid()) };
      await refused(device.client.call(method, unknown), 'expired');
    }
    await refused(member.client.call(api.listRequests, {}), 'not-allowed');
    const requestUid = uidBytes(device.requestUid);
    await refused(member.client.call(api.refuseRequest, { requestUid }), 'not-allowed');
    await refused(foreigner.client.call(api.refuseRequest, { requestUid }), 'not-found');
    await refused(admin.client.call(api.refuseRequest, { requestUid: uidBytes(newUid()) }), 'expired');
    expect((await foreigner.client.call(api.listRequests, {})).requests).toEqual([]);
    expect((await admin.client.call(api.listRequests, {})).requests).toHaveLength(1);
  });

  test('ends after its time, whoever holds it', async () => {
    const device = await asked(await emailOf(member));
    await open.db
      .updateTable('recovery_request')
      .set({ expires_at: Date.now() - 1 })
      .execute();
    expect(await approve(admin, device)).toBe('expired');
    await refused(device.client.call(api.awaitRelease, await device.named('AwaitRelease')), 'expired');
    expect((await admin.client.call(api.listRequests, {})).requests).toEqual([]);
  });
});

describe('a release', () => {
  let device: Asked;
  beforeEach(async () => void (device = await asked(await emailOf(member))));

  test('is an administrator’s of this organisation, for this very request, once', async () => {
    expect(await approve(member, device)).toBe('not-allowed');
    expect(await approve(foreigner, device)).toBe('not-found');
    expect(await approve(admin, device, { signer: member.signer })).toBe('bad-signature');
    expect(await approve(admin, device, { approver: member.uid })).toBe('bad-signature');
    expect(await approve(admin, device, { request: newUid() })).toBe('bad-signature');
    expect(await approve(admin, device, { reset: true })).toBe('bad-signature');
    expect(await approve(admin, device, { sealed: randomBytes(126) })).toBe('malformed');
    expect(await approve(admin, device)).toBe('done');
    expect(await approve(admin, device)).toBe('not-found');
  });

  test('is of an enrolled account: nobody’s request is answered, nor one after it was refused or withdrawn', async () => {
    const unknown = await asked('nobody@example.test');
    expect(await approve(admin, unknown)).toBe('not-found');
    const refusedOne = await asked(await emailOf(member));
    await admin.client.call(api.refuseRequest, { requestUid: uidBytes(refusedOne.requestUid) });
    expect(await approve(admin, refusedOne)).toBe('not-found');
    const withdrawn = await asked(await emailOf(member));
    expect(await approve(admin, withdrawn)).toBe('done');
    await member.client.call(api.withdraw, {});
    await refused(
      withdrawn.client.call(api.startRenewal, await withdrawn.named('StartRenewal')),
      'not-allowed',
    );
    expect(await finish(withdrawn, member.signer)).toBe('not-allowed');
    await member.client.call(api.enrol, { enrolment: await enrolment(member) });
  });

  test('is given out once, to one of two that ask at the same moment', async () => {
    expect(await approve(admin, device)).toBe('done');
    const named = await device.named('AwaitRelease');
    const asks = [1, 2].map(() => codeOf(device.client.call(api.awaitRelease, named)));
    expect((await Promise.all(asks)).sort()).toEqual(['done', 'expired']);
  });

  test('of somebody who is no administrator any more is kept back', async () => {
    expect(await approve(admin, device)).toBe('done');
    const setAdministrator = (administrator: boolean) =>
      open.db
        .updateTable('account')
        .set({ administrator })
        .where('account_uid', '=', uidBytes(admin.uid))
        .execute();
    await setAdministrator(false);
    const given = await device.client.call(api.awaitRelease, await device.named('AwaitRelease'));
    expect(given.release).toBeUndefined();
    await refused(device.client.call(api.startRenewal, await device.named('StartRenewal')), 'not-allowed');
    expect(await finish(device, member.signer)).toBe('not-allowed');
    await setAdministrator(true);
  });
});

describe('a renewal', () => {
  let device: Asked;
  beforeEach(async () => void (device = await asked(await emailOf(member))));
  const released = async () => {
    expect(await approve(admin, device)).toBe('done');
    await device.client.call(api.awaitRelease, await device.named('AwaitRelease'));
  };

  test('comes after the release, and from who opened the account alone', async () => {
    await refused(device.client.call(api.startRenewal, await device.named('StartRenewal')), 'not-allowed');
    expect(await finish(device, member.signer)).toBe('not-allowed');
    await released();
    const started = {
      ...(await device.named('StartRenewal')),
      passwordRequest: 'no request',
      recoveryRequest: '',
    };
    await refused(device.client.call(api.startRenewal, started), 'malformed');
    expect(await finish(device, admin.signer)).toBe('bad-signature');
    expect(await finish(device, signerOf(generateEcdhKeyPair().privateKey))).toBe('bad-signature');
    expect(await finish(device, member.signer, {}, newUid())).toBe('bad-signature');
    expect(await finish(device, member.signer, { passwordRecord: 'short' })).toBe('malformed');
    expect(await finish(device, member.signer, { recoverySealedDataKey: new Uint8Array(600) })).toBe(
      'malformed',
    );
    const factor = await open.db
      .selectFrom('login_factor')
      .select('opaque_record')
      .where('account_uid', '=', uidBytes(member.uid))
      .execute();
    expect(factor.map(({ opaque_record }) => opaque_record)).not.toContain('A'.repeat(256));
  });

  test('happens once: not played back, and not twice at the same moment', async () => {
    await released();
    const rivals = ['C', 'D', 'E'].map((letter) =>
      finish(device, member.signer, { passwordRecord: letter.repeat(256) }),
    );
    expect((await Promise.all(rivals)).sort()).toEqual(['done', 'expired', 'expired']);
    expect(await finish(device, member.signer)).toBe('expired');
    expect(await codeOf(member.client.call(api.getEnrolment, {}))).toBe('not-signed-in');
  });
});

test('UIDs that are none are refused everywhere', async () => {
  for (const requestUid of [new Uint8Array(0), new Uint8Array(15), new Uint8Array(17)]) {
    const given = { requestUid, deviceProof: randomBytes(64) };
    for (const method of [api.awaitRelease, api.cancelRequest, api.startRenewal, api.finishRenewal])
      await refused(admin.client.call(method, given), 'malformed');
    await refused(admin.client.call(api.refuseRequest, { requestUid }), 'malformed');
    expect(() => uidOf(requestUid)).toThrow();
  }
});
