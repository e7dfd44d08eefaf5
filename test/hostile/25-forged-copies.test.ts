// Attack class 25, with help from inside: somebody who has a machine of another's, and a server that gives the gateway
// whatever they make: copies of their own, or the former ones, from before they lost their access.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { AccessProofSchema } from '../../protocol/messages/gen/sharing_pb.js';
import { launchRights, type Rights, viewRights } from '../../protocol/sharing/rights.ts';
import { sealGrant } from '../../workers/engine/sharing/share-seal.ts';
import { EachInstallation } from '../fakes/each-installation.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };
const elsewhere = { ...target, host: '127.0.0.2' };

const each = new EachInstallation(target);
let mallory: Person;

beforeEach(async () => {
  const { organisation, person, router, logLines } = each.made;
  mallory = newPerson();
  router.send({ case: 'roster', value: await organisation.roster(2n, [person, mallory]) });
  await expect.poll(() => logLines.join('')).toMatch(/roster in use.*2|2.*roster in use/);
});

async function grant(rights: Rights, keyVersion = 1): Promise<MessageInitShape<typeof AccessProofSchema>> {
  const { person, machineUid: uid } = each.made;
  const object = {
    kind: 'record',
    uid,
    ownerUid: person.accountUid,
    key: randomBytes(32),
    keyVersion,
  } as const;
  const grantee = { kind: 'account', uid: mallory.accountUid, publicKey: mallory.ecdh.publicKey } as const;
  const terms = { rights, expiresAtMs: 0, issuedAtMs: Date.now() };
  return { grants: [await sealGrant(person, object, grantee, terms)] };
}

/** What becomes of a connect of the attacker, who states the lowest revisions. */
async function fate(rights: Rights = launchRights, keyVersion = 1, acceptedHostKey = ''): Promise<string> {
  const access = await grant(rights, keyVersion);
  const more = { person: mallory, access, anyRevision: true, acceptedHostKey };
  const { command } = await each.made.prepare(each.newPage(), more);
  return await each.fate(command);
}

describe('a copy that its owner did not sign', () => {
  test('the attacker connects to what the owner signed', async () => {
    expect(await fate()).toBe('done');
  });

  test('of the machine, by who has its key: another host', async () => {
    await each.made.putMachine(elsewhere, {}, { signer: mallory.signer });
    expect(await fate(viewRights)).toBe('untrusted-record');
  });

  test('of the machine, as the attacker’s own record', async () => {
    await each.made.putMachine(elsewhere, {}, { owner: mallory });
    expect(await fate()).toBe('untrusted-record');
  });

  test('of the configuration and the machine, as the attacker’s own', async () => {
    await each.made.putConfiguration({}, { owner: mallory });
    await each.made.putMachine(elsewhere, {}, { owner: mallory });
    expect(await fate()).toBe('untrusted-record');
  });
});

describe('a former copy', () => {
  test('is refused once the gateway has seen a newer one, whatever the command states', async () => {
    const { router, machineUid } = each.made;
    const former = router.records.get(machineUid);
    await each.made.putMachine({ ...target, host: '127.0.0.3' });
    expect(await each.fateOfConnect()).toBe('done');
    if (former) router.records.set(machineUid, former);
    expect(await fate()).toBe('record-outdated');
  });

  test('of the credential, too', async () => {
    const { router, credentialUid } = each.made;
    const former = router.records.get(credentialUid);
    await each.made.putMachine(target);
    expect(await each.fateOfConnect()).toBe('done');
    if (former) router.records.set(credentialUid, former);
    expect(await fate()).toBe('record-outdated');
  });

  test('with a key of a former version is refused, at a higher revision as well', async () => {
    await each.made.putMachine(target, {}, { keyVersion: 2 });
    expect(await each.fateOfConnect()).toBe('done');
    await each.made.putMachine(target, {}, { keyVersion: 1 });
    expect(await fate()).toBe('record-outdated');
  });
});

test('a grant from before the key was replaced opens nothing', async () => {
  await each.made.putMachine(target, {}, { keyVersion: 2 });
  expect(await fate(launchRights, 1)).toBe('not-allowed');
  expect(await fate(launchRights, 2)).toBe('done');
});

test('a host key is its owner’s to accept', async () => {
  expect(await fate(launchRights, 1, 'ssh-ed25519 AAAA')).toBe('not-allowed');
  expect(await fate(viewRights, 1, 'ssh-ed25519 AAAA')).toBe('not-allowed');
});
