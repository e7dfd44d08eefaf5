// Attack class 12: forged membership. The server adds people to an organisation, shows former or other lists of them,
// and lets in who was never invited.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  AccountCertificateSchema,
  AccountService,
  RosterSchema,
  SignedRosterSchema,
  type SignedRoster,
} from '../../protocol/messages/gen/account_pb.js';
import {
  KeyOfferSchema,
  OrganisationKeyKind,
  OrganisationService,
  PendingMemberSchema,
} from '../../protocol/messages/gen/organisation_pb.js';
import { parseInvitation, proveInvitation } from '../../protocol/organisation/invitation.ts';
import { offerKey } from '../../protocol/organisation/keys.ts';
import { signAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { signRoster, verifyRoster, type Roster } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf } from '../../protocol/uid.ts';
import { linkOf } from '../fakes/hostile-organisation.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const methods = OrganisationService.method;

describe('forged membership', () => {
  let server: HostileServer;
  let founder: TestEngine;
  let member: TestEngine;
  const engines: TestEngine[] = [];

  async function newAccount(email: string, invitation?: string): Promise<TestEngine> {
    const engine = await startEngine(server.origin, { transport: server.transport });
    engines.push(engine);
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password, ...(invitation && { invitation }) });
    return engine;
  }

  async function invite(email: string): Promise<string> {
    return (await founder.createInvitation({ email, days: 7 })).fragment;
  }

  /** Both have seen the roster with both in it. */
  beforeEach(async () => {
    server = await HostileServer.start();
    founder = await newAccount('founder@example.test');
    await founder.syncNow();
    member = await newAccount('member@example.test', await invite('member@example.test'));
    await founder.syncNow();
    await member.syncNow();
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  const emailsOf = async (engine: TestEngine) =>
    (await engine.readOrganisation()).members.map(({ email }) => email);
  const both = ['founder@example.test', 'member@example.test'];
  const newest = () => server.organisation.rosters.at(-1) as SignedRoster;

  /** The newest roster as anyone reads it. */
  function read(signed = newest()): Roster {
    const { organisationUid } = decodeMessage(RosterSchema, signed.roster);
    const [stored] = server.accounts.values();
    const organisationKey = stored?.organisation.signingPublicKey ?? new Uint8Array(0);
    return verifyRoster(signed, {
      organisationUid: uidOf(organisationUid),
      organisationKey,
      minimumVersion: 1n,
    });
  }

  /** The next roster as the server would like it, under a key of its own. */
  async function forged(change: (roster: Roster) => Partial<Roster>): Promise<SignedRoster> {
    const roster = read();
    const next = { ...roster, version: roster.version + 1n, parentHash: sha256(newest().roster) };
    const signer = signerOf(generateEcdhKeyPair().privateKey);
    return create(SignedRosterSchema, await signRoster(signer, { ...next, ...change(roster) }));
  }

  const intruder = () => ({
    accountUid: newUid(),
    ecdhPublicKey: generateEcdhKeyPair().publicKey,
    signingPublicKey: generateEcdhKeyPair().publicKey,
    administrator: true,
    email: 'intruder@example.test',
  });

  /** What the member sees after the server has shown this. */
  async function shownTo(engine: TestEngine, ...rosters: SignedRoster[]): Promise<string[]> {
    server.lie(methods.getOrganisation, (answer) => {
      answer.links = rosters.map(linkOf);
      answer.roster = rosters.at(-1) as SignedRoster;
    });
    await engine.syncNow();
    server.honest();
    return await emailsOf(engine);
  }

  test('an honest server: both are members', async () => {
    expect(await emailsOf(member)).toEqual(both);
    expect((await member.readOrganisation()).membership).toBe('member');
  });

  test('somebody added under the server’s own key is no member', async () => {
    const roster = await forged(({ members }) => ({ members: [...members, intruder()] }));
    for (const engine of [founder, member]) {
      expect(await shownTo(engine, roster)).toEqual(both);
      expect((await engine.readOrganisation()).refused).toBe(true);
    }
  });

  test('somebody added to the signed bytes is no member', async () => {
    const { roster } = await forged(({ members }) => ({ members: [...members, intruder()] }));
    const { signature } = newest();
    expect(await shownTo(member, create(SignedRosterSchema, { roster, signature }))).toEqual(both);
  });

  test('a former list does not come back, neither to a device that is open nor to a new login on it', async () => {
    const [former] = server.organisation.rosters;
    expect(await shownTo(member, former as SignedRoster)).toEqual(both);
    server.lie(AccountService.method.finishLogin, ({ organisation }) => {
      if (organisation && former) organisation.roster = former;
    });
    server.lie(AccountService.method.renewSession, () => {
      throw new Error('over');
    });
    await member.lock();
    await member.unlock({ password });
    expect(await emailsOf(member)).toEqual(both);
  });

  test('a list of another past is refused, though administrators signed every step of it', async () => {
    // The founder signs version 3 with a team; the server keeps it, calls it stale, and gets another version 3.
    const put = server.organisation.put.bind(server.organisation);
    const kept: SignedRoster[] = [];
    server.organisation.put = (input) => {
      if (input.roster && kept.length === 0) {
        kept.push(input.roster);
        server.organisation.put = put;
        put({ ...input, roster: input.roster });
        server.organisation.rosters.pop();
        throw new Error('lost');
      }
    };
    await founder.createTeam({ name: 'One', memberUids: [] }).catch(() => undefined);
    await founder.createTeam({ name: 'Two', memberUids: [] });
    const [hidden] = kept;
    expect(read(hidden).version).toBe(read().version);
    // The member is shown the hidden one first, then the other branch with a further step.
    expect(await shownTo(member, hidden as SignedRoster)).toEqual(both);
    await member.syncNow();
    expect((await member.readOrganisation()).refused).toBe(false);
    await founder.createTeam({ name: 'Three', memberUids: [] });
    await member.syncNow();
    const view = await member.readOrganisation();
    expect(view.refused).toBe(true);
    expect(view.teams).toHaveLength(1);
  });

  test('a step left out is noticed', async () => {
    await founder.createTeam({ name: 'One', memberUids: [] });
    await founder.createTeam({ name: 'Two', memberUids: [] });
    await shownTo(member, newest());
    const view = await member.readOrganisation();
    expect(view.refused).toBe(true);
    expect(view.teams).toHaveLength(0);
    await member.syncNow();
    expect((await member.readOrganisation()).teams).toHaveLength(2);
  });

  describe('who was never let in', () => {
    async function pendingWith(email: string, proof: (own: Uint8Array, body: Uint8Array) => Uint8Array) {
      const fragment = await invite(email);
      const victim = await newAccount(email, fragment);
      const [true_] = server.organisation.pending;
      if (!true_) throw new Error('nobody waits');
      const accountUid = newUid();
      const signer = signerOf(generateEcdhKeyPair().privateKey);
      const certificate = await signAccountCertificate(signer, accountUid, generateEcdhKeyPair().publicKey);
      server.organisation.pending = [
        create(PendingMemberSchema, {
          ...true_,
          accountUid: uidBytes(accountUid),
          certificate: create(AccountCertificateSchema, certificate),
          proof: proof(true_.proof, certificate.body),
        }),
      ];
      return victim;
    }

    test.each<[string, (own: Uint8Array, body: Uint8Array) => Uint8Array]>([
      ['the proof of who was', (own) => own],
      ['a proof made up', (_, body) => sha256(body)],
      ['no proof', () => new Uint8Array(0)],
    ])('keys of the server’s with %s are not certified', async (_, proof) => {
      await pendingWith('third@example.test', proof);
      await founder.syncNow();
      expect(await emailsOf(founder)).toEqual(both);
    });

    test('whoever is certified has the address that was invited, whatever the server calls them', async () => {
      await newAccount('third@example.test', await invite('third@example.test'));
      for (const pending of server.organisation.pending) pending.email = 'founder@example.test';
      await founder.syncNow();
      expect(await emailsOf(founder)).toEqual([...both, 'third@example.test']);
    });

    test('a member who was removed does not come back by the proof of before', async () => {
      await newAccount('third@example.test', await invite('third@example.test'));
      const proved = [...server.organisation.pending];
      await founder.syncNow();
      const third = (await founder.readOrganisation()).members.find(({ email }) => !both.includes(email));
      await founder.removeMember(third?.accountUid ?? newUid());
      server.organisation.pending.push(...proved);
      const { length } = server.organisation.rosters;
      await founder.syncNow();
      const elsewhere = await startEngine(server.origin, { transport: server.transport });
      engines.push(elsewhere);
      await elsewhere.signIn({ email: 'founder@example.test', password });
      await elsewhere.syncNow();
      for (const engine of [founder, elsewhere]) expect(await emailsOf(engine)).toEqual(both);
      expect(server.organisation.rosters).toHaveLength(length);
    });

    test('an invitation lets one person in, under whatever account they come back', async () => {
      await newAccount('third@example.test', await invite('third@example.test'));
      const [waiting] = server.organisation.pending;
      await founder.syncNow();
      const fragment = await invite('fourth@example.test');
      await newAccount('fourth@example.test', fragment);
      const [fourth] = server.organisation.pending;
      if (!waiting || !fourth) throw new Error('nobody waits');
      const { secret } = parseInvitation(fragment);
      const link = { invitationUid: uidOf(fourth.invitationUid), secret };
      const accountUid = newUid();
      const signer = signerOf(generateEcdhKeyPair().privateKey);
      const certificate = await signAccountCertificate(signer, accountUid, generateEcdhKeyPair().publicKey);
      const again = create(PendingMemberSchema, {
        ...{ accountUid: uidBytes(accountUid), email: 'fifth@example.test' },
        certificate: create(AccountCertificateSchema, certificate),
        invitationUid: fourth.invitationUid,
        proof: proveInvitation(link, certificate.body),
      });
      server.organisation.pending = [fourth, again];
      await founder.syncNow();
      const { members } = await founder.readOrganisation();
      await founder.removeMember(members.at(-1)?.accountUid ?? newUid());
      server.organisation.pending = [again];
      await founder.syncNow();
      expect(await emailsOf(founder)).toEqual([...both, 'third@example.test']);
    });

    test('a withdrawn invitation certifies nobody, though the server keeps it', async () => {
      const { invitationUid, fragment } = await founder.createInvitation({
        ...{ email: 'third@example.test', days: 7 },
      });
      await founder.revokeInvitation(invitationUid);
      await newAccount('third@example.test', fragment);
      await founder.syncNow();
      expect(await emailsOf(founder)).toEqual(both);
    });

    test('an invitation opens no account in another organisation', async () => {
      const fragment = await invite('third@example.test');
      server.lie(methods.openInvitation, (answer) => {
        answer.organisationKey = generateEcdhKeyPair().publicKey;
      });
      await expect(newAccount('third@example.test', fragment)).rejects.toMatchObject({ name: 'untrusted' });
      expect([...server.accounts.keys()]).toEqual(both);
    });
  });

  test('a key of the server’s is not taken for one of the organisation', async () => {
    await founder.saveCustomTypes([{ type: 'custom:one', title: 'One', fields: [] }]);
    const own = read().members[1];
    if (!own) throw new Error('no member');
    const signer = signerOf(generateEcdhKeyPair().privateKey);
    const { organisationUid } = read();
    const forgedOffer = await offerKey(signer, organisationUid, 'data', own, new Uint8Array(32));
    server.organisation.offers.push(
      create(KeyOfferSchema, { ...forgedOffer, kind: OrganisationKeyKind.DATA }),
    );
    await member.syncNow();
    expect((await member.readOrganisation()).refused).toBe(true);
    // And it keeps nothing else from them.
    expect((await member.customTypes()).map(({ title }) => title)).toEqual(['One']);
    server.organisation.offers.length = 0;
    await member.syncNow();
    expect((await member.readOrganisation()).refused).toBe(false);
    expect((await member.customTypes()).map(({ title }) => title)).toEqual(['One']);
  });

  test('settings do not go back', async () => {
    await founder.saveCustomTypes([{ type: 'custom:one', title: 'One', fields: [] }]);
    const { settings: former } = server.organisation;
    await founder.saveCustomTypes([{ type: 'custom:two', title: 'Two', fields: [] }]);
    await member.syncNow();
    server.organisation.settings = former;
    await member.syncNow();
    const view = await member.readOrganisation();
    expect(view.refused).toBe(true);
    expect((await member.customTypes()).map(({ title }) => title)).toEqual(['Two']);
  });
});
