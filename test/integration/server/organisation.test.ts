// What the server takes from administrators, and to whom it gives it.
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { empty } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { SignedRosterSchema, type SignedRoster } from '../../../protocol/messages/gen/account_pb.js';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  GetOrganisationResponseSchema,
  OrganisationService,
} from '../../../protocol/messages/gen/organisation_pb.js';
import { signSettings } from '../../../protocol/signed/organisation.ts';
import { RosterAssembly } from '../../../protocol/signed/roster-parts.ts';
import { signRoster, verifyRoster, type Roster } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { wholeRoster } from '../../../workers/engine/organisation/roster-news.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway } from '../../fixtures/application.ts';
import { joinVault, openGatewayLink } from '../../fixtures/link-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const { method } = OrganisationService;
const dayMs = 24 * 60 * 60_000;

describe('organisations at the server', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());

  async function newFounder(): Promise<ApiClient> {
    const client = await ApiClient.connect(server.url);
    await client.register(`founder${count++}@example.test`, 'correct horse battery');
    return client;
  }

  async function stored(client: ApiClient): Promise<{ signed: SignedRoster; roster: Roster }> {
    const { roster: signed } = await client.call(method.getOrganisation, { knownRosterVersion: 0n });
    if (!signed || !client.organisationUid || !client.organisation) throw new Error('no roster');
    const expected = {
      organisationUid: client.organisationUid,
      organisationKey: client.organisation.publicKey,
      minimumVersion: 1n,
    };
    return { signed, roster: verifyRoster(signed, expected) };
  }

  async function next(
    client: ApiClient,
    change: Partial<Roster>,
    signer: Signer | null = client.organisation,
  ): Promise<SignedRoster> {
    const { signed, roster } = await stored(client);
    if (!signer) throw new Error('no signer');
    const following = {
      ...roster,
      version: roster.version + 1n,
      parentHash: sha256(signed.roster),
      ...change,
    };
    return create(SignedRosterSchema, await signRoster(signer, following));
  }

  const strangers = (many: number) => {
    const { publicKey } = generateEcdhKeyPair();
    return Array.from({ length: many }, (_, i) => ({
      ...{ accountUid: newUid(), ecdhPublicKey: publicKey, signingPublicKey: publicKey },
      ...{ administrator: false, email: `a.person.with.a.name.${i}@example.test` },
    }));
  };
  test('a roster must follow from the stored one, under the organisation’s key, with an administrator', async () => {
    const client = await newFounder();
    const put = async (roster: Promise<SignedRoster>) =>
      codeOf(client.call(method.putRoster, { roster: await roster }));
    const { roster } = await stored(client);
    expect(await put(next(client, { version: 1n, parentHash: empty }))).toBe('conflict');
    expect(await put(next(client, { version: 3n }))).toBe('conflict');
    expect(await put(next(client, { parentHash: randomBytes(32) }))).toBe('conflict');
    expect(await put(next(client, { organisationUid: newUid() }))).toBe('untrusted');
    expect(await put(next(client, {}, signerOf(generateEcdhKeyPair().privateKey)))).toBe('bad-signature');
    expect(await put(next(client, { members: [] }))).toBe('not-allowed');
    const demoted = roster.members.map((member) => ({ ...member, administrator: false }));
    expect(await put(next(client, { members: demoted }))).toBe('not-allowed');
    expect(await put(next(client, {}))).toBe('done');
    const { links } = await client.call(method.getOrganisation, { knownRosterVersion: 0n });
    expect(links.map(({ version }) => version)).toEqual([1n, 2n]);
  });

  test('a new roster reaches every device and gateway of the organisation, and nobody else', async () => {
    const [client, other] = [await newFounder(), await newFounder()];
    const [link, otherLink] = [await joinVault(client), await joinVault(other)];
    const gateway = await openGatewayLink(server.url, await enrolGateway(client));
    await gateway.next('roster');
    const roster = await next(client, {});
    await client.call(method.putRoster, { roster });
    await link.next('organisationNews');
    expect((await gateway.next('roster')).roster).toEqual(roster.roster);
    await client.call(method.putOrganisationSettings, { settings: await settingsOf(client, 1n) });
    await link.next('organisationNews');
    await other.call(method.putRoster, { roster: await next(other, {}) });
    await otherLink.next('organisationNews'); // its own, and the first that it hears
  });

  test('ten thousand members reach a gateway in parts', async () => {
    const client = await newFounder();
    const gateway = await openGatewayLink(server.url, await enrolGateway(client));
    await gateway.next('roster');
    const { roster } = await stored(client);
    const members = [...roster.members, ...strangers(limits.rosterMembers - 1)];
    const large = await next(client, { members });
    await client.call(method.putRoster, { roster: large });
    const assembly = new RosterAssembly();
    let whole: SignedRoster | null = null;
    while (!whole) whole = assembly.add(await gateway.next('rosterPart'));
    expect(whole.roster).toEqual(large.roster);
    expect((await stored(client)).roster.members).toHaveLength(limits.rosterMembers);
  });

  test('of three thousand members a device fetches what changed, and the whole when it has nothing', async () => {
    const client = await newFounder();
    const { roster } = await stored(client);
    const members = [...roster.members, ...strangers(2_999)];
    await client.call(method.putRoster, { roster: await next(client, { members }) });
    const before = await stored(client);
    for (const more of [strangers(1), strangers(2)])
      await client.call(method.putRoster, {
        roster: await next(client, { members: [...(await stored(client)).roster.members, ...more] }),
      });
    const whole = (await stored(client)).signed;
    const knownRosterVersion = before.roster.version;
    const ask = (changesOnly: boolean) =>
      client.call(method.getOrganisation, { knownRosterVersion, changesOnly });
    expect((await ask(false)).roster?.roster).toEqual(whole.roster);
    const answer = await ask(true);
    expect(encodeMessage(GetOrganisationResponseSchema, answer).length).toBeLessThan(4_096);
    expect([answer.deltas.length, answer.roster?.roster.length]).toEqual([2, 0]);
    expect(wholeRoster(answer, before.signed)?.roster).toEqual(whole.roster);
    // A server that brings changes of something else is found out before anything is taken.
    const [delta] = answer.deltas;
    const wrong = { ...answer, deltas: delta ? [delta, delta] : [] };
    expect(() => wholeRoster(wrong, before.signed)).toThrow();
    expect(() => wholeRoster(answer, undefined)).toThrow('nobody has');
    expect(
      (await client.call(method.getOrganisation, { knownRosterVersion: roster.version + 3n })).roster,
    ).toBeUndefined();
  });

  test('settings rise one by one and are signed', async () => {
    const client = await newFounder();
    const put = async (settings: Awaited<ReturnType<typeof settingsOf>>) =>
      codeOf(client.call(method.putOrganisationSettings, { settings }));
    expect(await put(await settingsOf(client, 2n))).toBe('conflict');
    expect(await put({ ...(await settingsOf(client, 1n)), version: 2n })).toBe('bad-signature');
    expect(await put(await settingsOf(client, 1n))).toBe('done');
    expect(await put(await settingsOf(client, 1n))).toBe('conflict');
  });

  test('an invitation answers alike, whether it never was or its token is wrong', async () => {
    const client = await newFounder();
    const invitationUid = uidBytes(newUid());
    const token = randomBytes(32);
    const invite = (change: object = {}) =>
      client.call(method.createInvitation, {
        ...{ invitationUid, email: 'new@example.test', tokenHash: sha256(token) },
        ...{ sealedSecret: randomBytes(120), expiresAtMs: BigInt(Date.now() + dayMs) },
        ...change,
      });
    expect(await codeOf(invite({ expiresAtMs: BigInt(Date.now() + 31 * dayMs) }))).toBe('malformed');
    expect(await codeOf(invite({ expiresAtMs: BigInt(Date.now() - 1) }))).toBe('malformed');
    expect(await codeOf(invite())).toBe('done');
    expect(await codeOf(invite())).toBe('conflict');
    const anyone = await ApiClient.connect(server.url);
    const open = (uid: Uint8Array, with_: Uint8Array) =>
      anyone.call(method.openInvitation, { invitationUid: uid, token: with_ }).catch((error: Error) => error);
    const [wrong, unknown] = [
      await open(invitationUid, randomBytes(32)),
      await open(uidBytes(newUid()), token),
    ];
    expect(wrong).toEqual(unknown);
    expect(wrong).toMatchObject({ name: 'not-found' });
    expect(await open(invitationUid, token)).toMatchObject({ email: 'new@example.test' });
  });

  async function settingsOf(client: ApiClient, version: bigint) {
    if (!client.organisationUid || !client.organisation) throw new Error('no organisation');
    const sealed = randomBytes(300);
    const statement = { organisationUid: client.organisationUid, version, sealed };
    return { version, sealed, signature: await signSettings(client.organisation, statement) };
  }
});
