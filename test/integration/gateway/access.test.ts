// A machine shared between members of one organisation: the gateway works out for itself who may connect.
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AccessProofSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import type { Rights } from '../../../protocol/sharing/rights.ts';
import { newUid } from '../../../protocol/uid.ts';
import { sealEntry, sealGrant, type GivenObject } from '../../../workers/engine/sharing/share-seal.ts';
import { launchRights, viewRights } from '../../../protocol/sharing/rights.ts';
import { Installation } from '../../fakes/installation.ts';
import { newPerson, type Person } from '../../fakes/organisation.ts';
import { FakePage } from '../../fakes/page.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';

// A target that takes connections and says nothing: how far a session gets does not matter here.
const silent = net.createServer(() => {});
let made: Installation;
let ben: Person;
let cora: Person;
const pages: FakePage[] = [];

beforeAll(async () => {
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(() => void silent.close());

beforeEach(async () => {
  const { port } = silent.address() as net.AddressInfo;
  made = await Installation.make({ host: '127.0.0.1', port, username: 'nobody', password: 'x' });
  [ben, cora] = [newPerson(), newPerson()];
  made.router.roster = await made.organisation.roster(1n, [made.person, ben, cora]);
  await made.start({ GUACD_HOST: '127.0.0.1', GUACD_PORT: String(port) });
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
});

const machine = (): GivenObject => ({
  ...{ kind: 'record', uid: made.machineUid, ownerUid: made.person.accountUid },
  ...{ key: randomBytes(32), keyVersion: 1 },
});

function grant(from: Person, to: Person, rights: Rights = launchRights, expiresAtMs = 0, object = machine()) {
  const grantee = { kind: 'account', uid: to.accountUid, publicKey: to.ecdh.publicKey } as const;
  return sealGrant(from, object, grantee, { rights, expiresAtMs, issuedAtMs: Date.now() });
}

/** Connects and gives what the gateway says. */
async function connect(person: Person, access?: MessageInitShape<typeof AccessProofSchema>) {
  const page = new FakePage();
  pages.push(page);
  const session = await made.prepare(page, { person, ...(access && { access }) });
  const { outcome } = await made.router.relay(session.command);
  return { session, said: outcome.case === 'sealed' ? 'connected' : (outcome.value?.code ?? '') };
}

describe('who may connect', () => {
  test('its owner, and nobody else without a proof', async () => {
    expect((await connect(made.person)).said).toBe('connected');
    expect((await connect(ben)).said).toBe('not-allowed');
  });

  test('whoever its owner granted it', async () => {
    expect((await connect(ben, { grants: [await grant(made.person, ben)] })).said).toBe('connected');
    expect((await connect(cora, { grants: [await grant(made.person, ben)] })).said).toBe('not-allowed');
  });

  test('nobody by a grant of their own, or of somebody who may not share', async () => {
    expect((await connect(ben, { grants: [await grant(ben, ben)] })).said).toBe('not-allowed');
    const chain = [await grant(made.person, ben, viewRights), await grant(ben, cora)];
    expect((await connect(cora, { grants: chain })).said).toBe('not-allowed');
  });

  test('whoever got it from somebody who may share', async () => {
    const chain = [await grant(made.person, ben, { ...viewRights, share: true }), await grant(ben, cora)];
    expect((await connect(cora, { grants: chain })).said).toBe('connected');
  });

  test('a member of a shared folder that it is in', async () => {
    const folder: GivenObject = { ...machine(), kind: 'folder', uid: newUid() };
    const place = { rights: viewRights, subfolderUid: null, issuedAtMs: Date.now() };
    const entry = await sealEntry(made.person, folder, machine(), place);
    const member = await grant(made.person, ben, launchRights, 0, folder);
    expect((await connect(ben, { grants: [member], entries: [entry] })).said).toBe('connected');
    expect((await connect(ben, { grants: [member] })).said).toBe('not-allowed');
    expect((await connect(cora, { grants: [member], entries: [entry] })).said).toBe('not-allowed');
  });

  test('nobody whose grants were signed by who is in no roster', async () => {
    const stranger = newPerson();
    const chain = [
      await grant(made.person, stranger, { ...viewRights, share: true }),
      await grant(stranger, ben),
    ];
    expect((await connect(ben, { grants: chain })).said).toBe('not-allowed');
  });

  test('nobody after the grant has ended', async () => {
    const ended = await grant(made.person, ben, launchRights, Date.now() - 1);
    expect((await connect(ben, { grants: [ended] })).said).toBe('not-allowed');
  });

  test('a proof that is too long is not looked at', async () => {
    const one = await grant(made.person, ben);
    expect((await connect(ben, { grants: Array.from({ length: 17 }, () => one) })).said).toBe('malformed');
  });
});

test('a session ends at the moment when the access does', async () => {
  const expiresAtMs = Date.now() + 5_000; // the connecting is before that on a busy machine, too
  const { session, said } = await connect(ben, {
    grants: [await grant(made.person, ben, launchRights, expiresAtMs)],
  });
  expect(said).toBe('connected');
  const { body } = await session.signal('ended');
  expect(body.value).toMatchObject({ code: 'access-ended' });
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
});

test('a session ends when a roster takes the access away', async () => {
  const chain = [await grant(made.person, ben, { ...viewRights, share: true }), await grant(ben, cora)];
  const { session, said } = await connect(cora, { grants: chain });
  expect(said).toBe('connected');
  const value = await made.organisation.roster(2n, [made.person, cora]);
  made.router.send({ case: 'roster', value });
  const { body } = await session.signal('ended');
  expect(body.value).toMatchObject({ code: 'access-ended' });
});
