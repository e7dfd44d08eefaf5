// Attack class 5: the server moves sealed fields, keys and whole records between objects, owners and revisions.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { copy, empty } from '../../protocol/bytes.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  AccountService,
  RosterSchema,
  type FinishLoginResponse,
} from '../../protocol/messages/gen/account_pb.js';
import type { Record } from '../../protocol/messages/gen/record_pb.js';
import { signRoster } from '../../protocol/signed/roster.ts';
import { uidOf } from '../../protocol/uid.ts';
import type { SaveRecord } from '../../workers/api.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});

describe('swapped ciphertexts', () => {
  let server: HostileServer;
  let victim: TestEngine;
  const engines: TestEngine[] = [];

  async function start(): Promise<TestEngine> {
    const engine = await startEngine(server.origin, { transport: server.transport });
    engines.push(engine);
    return engine;
  }

  async function create(email: string): Promise<TestEngine> {
    const engine = await start();
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    return engine;
  }

  beforeEach(async () => {
    server = await HostileServer.start();
    victim = await create('victim@example.test');
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  describe('between records', () => {
    const swaps: readonly (readonly [string, (a: Record, b: Record) => void])[] = [
      ['the data of two records', (a, b) => ([a.sealedData, b.sealedData] = [b.sealedData, a.sealedData])],
      ['the keys of two records', (a, b) => ([a.sealedKey, b.sealedKey] = [b.sealedKey, a.sealedKey])],
      [
        'keys and data of two records',
        (a, b) => {
          [a.sealedKey, b.sealedKey] = [b.sealedKey, a.sealedKey];
          [a.sealedData, b.sealedData] = [b.sealedData, a.sealedData];
        },
      ],
      ['the uids of two records', (a, b) => ([a.recordUid, b.recordUid] = [b.recordUid, a.recordUid])],
    ];

    test.each(swaps)('%s: neither opens on a fresh device', async (_, swap) => {
      const uids = [await victim.saveRecord(record('A')), await victim.saveRecord(record('B'))];
      const [a, b] = server.stored;
      swap(a as Record, b as Record);
      const device = await start();
      await device.signIn({ email: 'victim@example.test', password });
      expect(await device.listRecords()).toEqual([]);
      for (const uid of uids)
        await expect(device.readRecord(uid)).rejects.toMatchObject({ name: 'open-failed' });
    });

    test('data of an older revision under a newer number does not open', async () => {
      const uid = await victim.saveRecord(record('old'));
      const old = server.stored[0]?.sealedData as Uint8Array;
      await victim.saveRecord({ ...record('new'), uid });
      const [stored] = server.stored;
      (stored as Record).sealedData = old;
      const device = await start();
      await device.signIn({ email: 'victim@example.test', password });
      await expect(device.readRecord(uid)).rejects.toMatchObject({ name: 'open-failed' });
    });

    test('an older revision never replaces a newer one on a device that has seen it', async () => {
      const uid = await victim.saveRecord(record('old'));
      const old = { ...(server.stored[0] as Record) };
      await victim.saveRecord({ ...record('new'), uid });
      Object.assign(server.stored[0] as Record, old);
      server.touch();
      await victim.syncNow();
      expect(await victim.listRecords()).toMatchObject([{ title: 'new' }]);
      await victim.lock();
      await victim.unlock({ password });
      expect(await victim.listRecords()).toMatchObject([{ title: 'new' }]);
    });

    test('a record of another account, given to this one, does not open', async () => {
      const attacker = await create('attacker@example.test');
      const uid = await attacker.saveRecord(record('planted'));
      const planted = server.stored.find(({ recordUid }) => uidOf(recordUid) === uid) as Record;
      planted.ownerUid = server.accounts.get('victim@example.test')?.account.accountUid as Uint8Array;
      server.touch();
      await victim.syncNow();
      expect(await victim.listRecords()).toEqual([]);
      await expect(victim.readRecord(uid)).rejects.toMatchObject({ name: 'open-failed' });
    });

    test('every flipped byte of key or data is noticed', async () => {
      const uid = await victim.saveRecord(record('bits'));
      for (const field of ['sealedKey', 'sealedData'] as const) {
        const whole = new Uint8Array((server.stored[0] as Record)[field]);
        for (const at of [0, 1, 9, 21, whole.length - 1]) {
          (server.stored[0] as Record)[field] = whole.with(at, (whole[at] ?? 0) ^ 1);
          (server.stored[0] as Record).revision = 1n;
          const device = await start();
          await device.signIn({ email: 'victim@example.test', password });
          await expect(device.readRecord(uid)).rejects.toMatchObject({ name: 'open-failed' });
        }
        (server.stored[0] as Record)[field] = whole;
      }
    });
  });

  describe('between accounts and keys at sign-in', () => {
    type Lie = (answer: FinishLoginResponse, other: FinishLoginResponse) => void;
    const lies: readonly (readonly [string, Lie])[] = [
      ['the data key of another account', (a, b) => void (a.sealedDataKey = b.sealedDataKey)],
      [
        'the certificate of another account',
        (a, b) => void (a.account!.certificate = b.account!.certificate!),
      ],
      [
        'the signing key of another account',
        (a, b) => void (a.account!.sealedSigningKey = b.account!.sealedSigningKey),
      ],
      [
        'signing key and agreement key exchanged',
        ({ account }) => {
          const { sealedEcdhKey, sealedSigningKey } = account!;
          Object.assign(account!, { sealedEcdhKey: sealedSigningKey, sealedSigningKey: sealedEcdhKey });
        },
      ],
      ['the organisation of another account', (a, b) => void (a.organisation = b.organisation!)],
      [
        'the roster of another organisation',
        (a, b) => void (a.organisation!.roster = b.organisation!.roster!),
      ],
      ['the whole account of another', (a, b) => void (a.account = b.account!)],
      ['an account without its certificate', (a) => void delete a.account!.certificate],
      ['another uid', (a) => void (a.account!.accountUid = new Uint8Array(16))],
    ];

    test.each(lies)('%s is untrusted, and nothing is stored', async (_, lie) => {
      await create('other@example.test');
      const other = await bundleOf('other@example.test');
      server.lie(AccountService.method.finishLogin, (answer) => lie(answer, other));
      const device = await start();
      await expect(device.signIn({ email: 'victim@example.test', password })).rejects.toMatchObject({
        name: 'untrusted',
      });
      expect(await device.storage.readAccount()).toBeNull();
      expect(device.states.at(-1)?.phase).toBe('signed-out');
    });

    test('an organisation key of the server with a roster that it signed itself is untrusted', async () => {
      const { account, organisation } = await bundleOf('victim@example.test');
      const ownKey = generateEcdhKeyPair();
      const signer = signerOf(ownKey.privateKey);
      const organisationUid = uidOf(organisation!.organisationUid);
      const member = memberOf(account!.accountUid, organisation!.roster!.roster);
      const roster = await signRoster(signer, {
        organisationUid,
        version: 1n,
        parentHash: new Uint8Array(0),
        members: [member],
        teams: [],
        recoveryPublicKey: new Uint8Array(0),
        ends: [],
        formerTeamMembers: [],
      });
      server.lie(AccountService.method.finishLogin, ({ organisation: shown }) => {
        Object.assign(shown!, { signingPublicKey: ownKey.publicKey });
        Object.assign(shown!.roster!, roster);
      });
      const device = await start();
      await expect(device.signIn({ email: 'victim@example.test', password })).rejects.toMatchObject({
        name: 'untrusted',
      });
      server.lie(AccountService.method.finishLogin, ({ organisation: shown }) => {
        Object.assign(shown!, { signingPublicKey: ownKey.publicKey, sealedSigningKey: new Uint8Array(0) });
        Object.assign(shown!.roster!, roster);
      });
      // A device that knows the organisation sees the change even when the founder's key is withheld.
      server.lie(AccountService.method.renewSession, () => {
        throw Object.assign(new Error('gone'), { name: 'not-signed-in' });
      });
      await victim.lock();
      await victim.unlock({ password });
      const locked = await victim.until(({ notice }) => notice !== null);
      expect(locked).toMatchObject({ phase: 'locked', notice: 'untrusted-server' });
    });

    async function bundleOf(email: string): Promise<FinishLoginResponse> {
      const stored = server.accounts.get(email);
      return {
        account: structuredClone(stored?.account),
        organisation: structuredClone(stored?.organisation),
        sealedDataKey: stored?.factors.get(1)?.sealedDataKey,
      } as FinishLoginResponse;
    }
  });

  test('another server identity on a known address is untrusted, old keys of the same one too', async () => {
    await victim.lock();
    const again = () => startEngine(server.origin, { transport: server.transport, storage: victim.storage });
    server.keySetVersion = 0n;
    const rolledBack = await again();
    engines.push(rolledBack);
    await expect(rolledBack.getServerInfo()).rejects.toMatchObject({ name: 'untrusted' });
    server.keySetVersion = 1n;
    server.identity = signerOf(generateEcdhKeyPair().privateKey);
    const other = await again();
    engines.push(other);
    await expect(other.getServerInfo()).rejects.toMatchObject({ name: 'untrusted' });
    expect(other.states.at(-1)?.notice).toBe('untrusted-server');
    await other.unlock({ password });
    const state = await other.until(
      ({ phase, notice }) => phase === 'locked' && notice === 'untrusted-server',
    );
    expect(state.link).toBe('off');
  });

  test('an answer in clear changes nothing but what is tried again', async () => {
    const body = new TextEncoder().encode(
      JSON.stringify({ code: 'not-signed-in', message: 'says the network' }),
    );
    server.clearAnswer = { status: 401, body };
    await expect(victim.syncNow()).rejects.toMatchObject({ name: 'unavailable' });
    expect(victim.states.at(-1)?.phase).toBe('unlocked');
  });
});

function memberOf(accountUid: Uint8Array, roster: Uint8Array) {
  const [member] = decodeMessage(RosterSchema, roster).members;
  return {
    accountUid: uidOf(accountUid),
    ecdhPublicKey: copy(member?.ecdhPublicKey ?? empty),
    signingPublicKey: copy(member?.signingPublicKey ?? empty),
    administrator: true,
    email: '',
  };
}
