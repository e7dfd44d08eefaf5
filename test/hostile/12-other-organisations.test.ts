// Attack class 12: with open sign-up anyone founds an organisation, and then tries what its administrator may do on the
// members of another one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { OrganisationService } from '../../protocol/messages/gen/organisation_pb.js';
import { offerKey, sealTeamKey } from '../../protocol/organisation/keys.ts';
import { signRoster, verifyRoster, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/store/embedded-postgres.ts';
import { ApiClient, envelopeOf } from '../fixtures/api-client.ts';
import { startEngine } from '../fixtures/engine.ts';
import { accept, found, organisationPassword, untilMembers } from '../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const { method } = OrganisationService;

let server: TestServer;
let postgres: EmbeddedPostgres;
let store: pg.Client;
let people = 0;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-organisations-'));

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  server = await startTestServer({
    databaseUrl: `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`,
  });
  store = new pg.Client(postgres.connection);
  await store.connect();
});
afterAll(async () => {
  await store.end();
  await server.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function newFounder(): Promise<ApiClient> {
  const client = await ApiClient.connect(server.url);
  await client.register(`founder${people++}@example.test`, 'correct horse battery');
  return client;
}

/** The organisation of a founder, with what this change makes of its roster. */
async function nextRoster(client: ApiClient, change: (roster: Roster) => Partial<Roster>) {
  const { roster: signed } = await client.call(method.getOrganisation, { knownRosterVersion: 0n });
  const { organisation, organisationUid } = client;
  if (!signed || !organisation || !organisationUid) throw new Error('no organisation');
  const expected = { organisationUid, organisationKey: organisation.publicKey, minimumVersion: 1n };
  const roster = verifyRoster(signed, expected);
  const next = { ...roster, version: roster.version + 1n, parentHash: sha256(signed.roster) };
  const changed = await signRoster(organisation, { ...next, ...change(roster) });
  return { organisation, organisationUid, signed: create(SignedRosterSchema, changed) };
}

const asMember = (client: ApiClient): RosterMember => ({
  accountUid: client.accountUid,
  ecdhPublicKey: client.account.ecdh.publicKey,
  signingPublicKey: client.account.signer.publicKey,
  administrator: false,
  email: 'taken@example.test',
});

test('keys that another organisation makes for a stranger do not reach them', async () => {
  const [attacker, victim] = [await newFounder(), await newFounder()];
  const member = asMember(victim);
  const team = { teamUid: newUid(), keyVersion: 1, ecdhPublicKey: member.ecdhPublicKey };
  const { organisation, organisationUid, signed } = await nextRoster(attacker, ({ members }) => ({
    members: [...members, member],
    teams: [{ ...team, memberUids: [member.accountUid] }],
  }));
  await attacker.call(method.putRoster, {
    roster: signed,
    offers: [await offerKey(organisation, organisationUid, 'data', member, randomBytes(32))],
    teamKeys: [await sealTeamKey(organisation, team, member, randomBytes(32))],
  });
  const seen = await victim.call(method.getOrganisation, { knownRosterVersion: 0n });
  expect(seen.offers).toEqual([]);
  expect(seen.teamKeys).toEqual([]);
});

test('who waits for one organisation is not taken from it by another one’s roster', async () => {
  const founder = await found(server.url, 'inviting@example.test');
  const { fragment } = await founder.engine.createInvitation({ email: 'waiting@example.test', days: 7 });
  await founder.engine.close();
  const waiting = await accept(server.url, fragment, 'waiting@example.test');
  const { ownUid } = await waiting.engine.readOrganisation();
  const attacker = await newFounder();
  const { signed } = await nextRoster(attacker, ({ members }) => ({
    members: [...members, { ...asMember(attacker), accountUid: ownUid, email: 'waiting@example.test' }],
  }));
  await attacker.call(method.putRoster, { roster: signed });
  const back = await startEngine(server.url);
  await back.signIn({ email: founder.email, password: organisationPassword });
  await waiting.engine.until(({ membership }) => membership === 'member');
  await untilMembers(back, 2);
  await waiting.engine.close();
  await back.close();
});

test('an invitation does not tell who has an account in another organisation', async () => {
  const [asking, other] = [await newFounder(), await newFounder()];
  const invite = (email: string) =>
    asking.call(method.createInvitation, {
      ...{ invitationUid: uidBytes(newUid()), email, tokenHash: randomBytes(32) },
      ...{ sealedSecret: randomBytes(120), expiresAtMs: BigInt(Date.now() + 60_000) },
    });
  expect(other.organisationUid).not.toBe(asking.organisationUid);
  const there = await invite(`founder${people - 1}@example.test`);
  expect(there).toEqual(await invite('nobody@example.test'));
  await expect(invite(`founder${people - 2}@example.test`)).rejects.toMatchObject({ code: 'conflict' });
});

test('keys of administrators are kept from nobody else', async () => {
  const member = await newFounder();
  const keep = (names: readonly string[]) =>
    member.call(
      method.keepOrganisationKeys,
      Object.fromEntries(names.map((name) => [name, envelopeOf('key')])),
    );
  const all = ['sealedDataKey', 'sealedSigningKey', 'sealedRecoveryKey'];
  await keep(all);
  const demote = 'UPDATE account SET administrator = false WHERE account_uid = $1';
  await store.query(demote, [Buffer.from(uidBytes(member.accountUid))]);
  for (const name of ['sealedSigningKey', 'sealedRecoveryKey'])
    await expect(keep([name])).rejects.toMatchObject({ code: 'not-allowed' });
  await expect(keep(all)).rejects.toMatchObject({ code: 'not-allowed' });
  await keep(['sealedDataKey']);
});
