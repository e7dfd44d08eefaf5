import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { empty, utf8 } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import { DeviceService } from '../../../protocol/messages/gen/device_pb.js';
import { limits } from '../../../protocol/limits.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { CommandKind } from '../../../protocol/messages/gen/command_pb.js';
import { GatewayFrameSchema, VaultFrameSchema } from '../../../protocol/messages/gen/link_pb.js';
import { signCommand, verifyCommand } from '../../../protocol/signed/command.ts';
import { signLinkProof } from '../../../protocol/signed/link-proof.ts';
import { verifyRoster } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord, type PolicyChanges } from '../../fixtures/application.ts';
import {
  joinVault,
  openGatewayLink,
  openVaultLink,
  type GatewayClient,
  type GatewayIdentity,
  type VaultClient,
} from '../../fixtures/link-client.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const presence = { graceMs: 3_000, resumeMs: 20_000, commandTimeoutMs: 4_000 };
/** As large as they can be: a vault's frame around a reply is then longer than the gateway's. */
let requests = 2 ** 31;

describe('router', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => void (server = await startTestServer({}, { times: { presence } })));
  afterAll(() => server.close());

  const newVault = async () => {
    const vault = await ApiClient.connect(server.url);
    await vault.register(`person${count++}@example.test`, 'correct horse battery');
    return vault;
  };

  const order = (vault: ApiClient, gatewayUid: Uid, recordUid: Uid) => ({
    ...infoOrder(vault, gatewayUid),
    kind: CommandKind.CONNECT,
    recordUid,
    sessionUid: newUid(),
    sessionNonce: randomBytes(16),
  });

  /** A connect command on its way. */
  const connect = async (
    vault: ApiClient,
    link: VaultClient,
    gatewayUid: Uid,
    recordUid: Uid,
    sessionUid = newUid(),
  ) => {
    const what = { ...order(vault, gatewayUid, recordUid), sessionUid };
    const command = await signCommand(vault.account.signer, what, utf8('sealed'), Date.now());
    await link.send({ body: { case: 'command', value: { requestId: ++requests, command } } });
    return uidBytes(what.sessionUid);
  };

  const info = async (vault: ApiClient, link: VaultClient, gatewayUid: Uid, now = Date.now()) => {
    const what = infoOrder(vault, gatewayUid);
    const command = await signCommand(vault.account.signer, what, empty, now);
    await link.send({ body: { case: 'command', value: { requestId: ++requests, command } } });
    return command;
  };

  const failureCode = async (link: VaultClient) => {
    const { outcome } = await link.next('commandResult');
    return outcome.case === 'failure' ? outcome.value.code : outcome.case;
  };

  const accept = async (gateway: GatewayClient, sealed = utf8('answer')) => {
    const { relayId, command } = await gateway.next('command');
    await gateway.send({
      body: { case: 'reply', value: { relayId, reply: { outcome: { case: 'sealed', value: sealed } } } },
    });
    return command;
  };

  /** A vault and its gateway, both linked, and a record. */
  const pair = async (policy: PolicyChanges = {}) => {
    const vault = await newVault();
    const identity = await enrolGateway(vault);
    const gateway = await openGatewayLink(server.url, identity);
    const { linkUid } = await gateway.next('welcome');
    await gateway.next('roster');
    const link = await joinVault(vault);
    const recordUid = await putRecord(vault, 'machine', [], policy);
    return { vault, identity, gateway, link, recordUid, linkUid };
  };

  const closingCode = async (link: VaultClient | GatewayClient) => {
    const { code } = await (link as GatewayClient).next('closing');
    await link.closed;
    return code;
  };

  test('a command goes to its gateway as it was signed, and its sealed answer comes back', async () => {
    const { vault, identity, gateway, link, recordUid } = await pair();
    await connect(vault, link, identity.gatewayUid, recordUid);
    const command = await accept(gateway, utf8('the answer'));
    if (!command) throw new Error('no command');
    const verified = verifyCommand(vault.account.signer.publicKey, command, Date.now());
    expect(verified).toMatchObject({
      gatewayUid: identity.gatewayUid,
      recordUid,
      accountUid: vault.accountUid,
    });
    const { outcome } = await link.next('commandResult');
    expect(outcome).toMatchObject({
      case: 'reply',
      value: { outcome: { case: 'sealed', value: utf8('the answer') } },
    });
  });

  test('every failure has an answer: unknown, offline, refused, timed out', async () => {
    const { vault, identity, gateway, link } = await pair();
    await info(vault, link, newUid());
    expect(await failureCode(link)).toBe('gateway-unknown');
    const stranger = await pair();
    await info(vault, link, stranger.identity.gatewayUid);
    expect(await failureCode(link)).toBe('gateway-unknown');
    const absent = await enrolGateway(vault);
    await info(vault, link, absent.gatewayUid);
    expect(await failureCode(link)).toBe('gateway-offline'); // at once: later it would have timed out
    await info(vault, link, identity.gatewayUid);
    const { relayId } = await gateway.next('command');
    const refused = { code: 'roster-too-old', message: 'no' };
    await gateway.send({
      body: { case: 'reply', value: { relayId, reply: { outcome: { case: 'refused', value: refused } } } },
    });
    const { outcome } = await link.next('commandResult');
    expect(outcome).toMatchObject({ case: 'reply', value: { outcome: { case: 'refused', value: refused } } });
    await info(vault, link, identity.gatewayUid);
    expect(await failureCode(link)).toBe('timed-out');
  });

  test('a reply of the largest frame, or a command of it, is refused and harms nobody', async () => {
    const { vault, identity, gateway, link, recordUid, linkUid } = await pair();
    await connect(vault, link, identity.gatewayUid, recordUid);
    const { relayId } = await gateway.next('command');
    const reply = (sealed: Uint8Array) =>
      ({
        body: { case: 'reply', value: { relayId, reply: { outcome: { case: 'sealed', value: sealed } } } },
      }) as const;
    const spare = encodeMessage(GatewayFrameSchema, reply(new Uint8Array(200_000))).length - 200_000;
    await gateway.send(reply(new Uint8Array(limits.linkFrame - spare)));
    expect(await failureCode(link)).toBe('too-large');
    const large = order(vault, identity.gatewayUid, recordUid);
    const sealCommand = (bytes: number) =>
      signCommand(vault.account.signer, large, new Uint8Array(bytes), Date.now());
    const frame = async (bytes: number) =>
      ({ body: { case: 'command', value: { requestId: 1, command: await sealCommand(bytes) } } }) as const;
    const around = encodeMessage(VaultFrameSchema, await frame(200_000)).length - 200_000;
    await link.send(await frame(limits.linkFrame - around));
    expect(await failureCode(link)).toBe('too-large');
    gateway.socket.terminate();
    const back = await openGatewayLink(server.url, identity, { linkUid, received: 2n });
    expect((await back.next('welcome')).resumed).toBe(true);
    await connect(vault, link, identity.gatewayUid, recordUid);
    await accept(back);
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
  });

  test('a gateway that breaks off while it works on a command is reported, and its vault hears of it', async () => {
    const { vault, identity, gateway, link } = await pair();
    await info(vault, link, identity.gatewayUid);
    await gateway.next('command');
    gateway.socket.terminate();
    expect(await link.next('gatewayStatus')).toMatchObject({ online: false });
    expect(await failureCode(link)).toBe('gateway-offline');
    const back = await openGatewayLink(server.url, identity);
    await back.next('welcome');
    expect(await link.next('gatewayStatus')).toMatchObject({ online: true });
    const { gateways } = await vault.call(ApplicationService.method.listGateways, {});
    expect(gateways).toMatchObject([{ online: true, version: '0.1.0' }]);
  });

  test("the record's policy is enforced: switched off, ended, another's, deleted, too many at once", async () => {
    const { vault, identity, gateway, link, recordUid } = await pair({ maxSessions: 1 });
    const { gatewayUid } = identity;
    const off = await putRecord(vault, 'off', [], { connections: false });
    const ended = await putRecord(vault, 'ended', [], { launchUntilMs: BigInt(Date.now() - 1) });
    const foreign = await putRecord(await newVault(), 'foreign');
    for (const uid of [off, ended, foreign, newUid()]) {
      await connect(vault, link, gatewayUid, uid);
      expect(await failureCode(link)).toBe('not-allowed');
    }
    const sessionUid = await connect(vault, link, gatewayUid, recordUid);
    await accept(gateway);
    await link.next('commandResult');
    await connect(vault, link, gatewayUid, recordUid);
    expect(await failureCode(link)).toBe('gateway-busy');
    await gateway.send({ body: { case: 'sessionEnded', value: { sessionUid } } });
    await connect(vault, link, gatewayUid, recordUid);
    await accept(gateway);
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
  });

  test('a session that is over does not come again under its name: nothing would note who connected', async () => {
    const { vault, identity, gateway, link, recordUid } = await pair();
    const sessionUid = await connect(vault, link, identity.gatewayUid, recordUid);
    await accept(gateway);
    await link.next('commandResult');
    await gateway.send({ body: { case: 'sessionEnded', value: { sessionUid } } });
    const again = async () => {
      await connect(vault, link, identity.gatewayUid, recordUid, uidOf(sessionUid));
      const { outcome } = await link.next('commandResult');
      return outcome.case === 'failure' ? outcome.value.message : outcome.case;
    };
    await expect.poll(again, { timeout: 15_000 }).toBe('there was such a session');
  });

  test('sealed signals pass both ways between the two ends of a session and to nobody else', async () => {
    const { vault, identity, gateway, link, recordUid } = await pair();
    const bystander = await joinVault(vault);
    const sessionUid = await connect(vault, link, identity.gatewayUid, recordUid);
    const { relayId } = await gateway.next('command');
    // Before the answer too: candidates do not wait for it.
    await gateway.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('from gateway') } } });
    expect((await link.next('signal')).sealed).toEqual(utf8('from gateway'));
    await link.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('from vault') } } });
    expect((await gateway.next('signal')).sealed).toEqual(utf8('from vault'));
    const stranger = await pair();
    for (const other of [stranger.link, bystander])
      await other.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('forged') } } });
    await stranger.gateway.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('forged') } } });
    await gateway.send({
      body: { case: 'reply', value: { relayId, reply: { outcome: { case: 'sealed', value: utf8('x') } } } },
    });
    await link.next('commandResult');
    await link.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('last') } } });
    expect((await gateway.next('signal')).sealed).toEqual(utf8('last'));
    expect(link.frames.filter(({ body }) => body.case === 'signal')).toEqual([]);
    expect(bystander.frames.filter(({ body }) => body.case === 'signal')).toEqual([]);
  });

  test('a gateway learns that the vault of its session is gone; the same device takes the session over', async () => {
    const { vault, identity, gateway, link, recordUid } = await pair();
    const sessionUid = await connect(vault, link, identity.gatewayUid, recordUid);
    await accept(gateway);
    await link.next('commandResult');
    link.socket.terminate();
    expect((await gateway.next('vaultGone')).sessionUids).toEqual([sessionUid]);
    const again = await joinVault(vault);
    await again.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('here again') } } });
    expect((await gateway.next('signal')).sealed).toEqual(utf8('here again'));
    await gateway.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8('welcome') } } });
    expect((await again.next('signal')).sealed).toEqual(utf8('welcome'));
  });

  test('a resumed link loses no frame, in either direction', async () => {
    const { vault, identity, gateway, link, recordUid, linkUid } = await pair();
    const sessionUid = await connect(vault, link, identity.gatewayUid, recordUid);
    await accept(gateway);
    await link.next('commandResult');
    gateway.socket.terminate();
    await link.next('gatewayStatus');
    for (const text of ['one', 'two'])
      await link.send({ body: { case: 'signal', value: { sessionUid, sealed: utf8(text) } } });
    // roster and command arrived on the former link
    const back = await openGatewayLink(server.url, identity, { linkUid, received: 2n });
    const welcome = await back.next('welcome');
    expect(welcome).toMatchObject({ resumed: true, received: 1n });
    expect((await back.next('signal')).sealed).toEqual(utf8('one'));
    expect((await back.next('signal')).sealed).toEqual(utf8('two'));
    await back.send({
      body: { case: 'signal', value: { sessionUid, sealed: utf8('still here') } },
      received: 4n,
    });
    expect((await link.next('signal')).sealed).toEqual(utf8('still here'));
    back.socket.terminate();
    const forged = await openGatewayLink(server.url, identity, { linkUid, received: 4n });
    expect(await forged.next('welcome')).toMatchObject({ resumed: false, received: 0n });
  });

  test('a command that was under way is answered over the resumed link', async () => {
    const { vault, identity, gateway, link, linkUid } = await pair();
    await info(vault, link, identity.gatewayUid);
    const { relayId } = await gateway.next('command');
    gateway.socket.terminate();
    const back = await openGatewayLink(server.url, identity, { linkUid, received: 2n });
    await back.next('welcome');
    const reply = { outcome: { case: 'sealed', value: utf8('late') } } as const;
    await back.send({ body: { case: 'reply', value: { relayId, reply } } });
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
  });

  test('a second link of a gateway takes the place of the first', async () => {
    const { vault, identity, gateway, link } = await pair();
    const second = await openGatewayLink(server.url, identity);
    await second.next('welcome');
    expect(await closingCode(gateway)).toBe('conflict');
    await info(vault, link, identity.gatewayUid);
    await accept(second);
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
  });

  test('a gateway gets the signed roster at once and when it asks', async () => {
    const vault = await newVault();
    const gateway = await openGatewayLink(server.url, await enrolGateway(vault));
    const first = await gateway.next('roster');
    const expected = {
      organisationUid: vault.organisationUid ?? newUid(),
      organisationKey: vault.organisation?.publicKey ?? empty,
      minimumVersion: 1n,
    };
    expect(verifyRoster(first, expected).members).toHaveLength(1);
    await gateway.send({ body: { case: 'rosterRequest', value: {} } });
    expect(await gateway.next('roster')).toEqual(first);
  });

  test('new data is announced to every link of the account and to no other', async () => {
    const vault = await newVault();
    const stranger = await joinVault(await newVault());
    const links = [await joinVault(vault), await joinVault(vault)];
    await putRecord(vault, 'one');
    for (const link of links) expect((await link.next('newData')).cursor).toBe(1n);
    expect(stranger.frames).toEqual([]);
  });

  test('a logout ends the links of its session, everywhere those of all', async () => {
    const vault = await newVault();
    const link = await joinVault(vault);
    const other = await ApiClient.connect(server.url);
    const answer = await other.login(`person${count - 1}@example.test`, 'correct horse battery');
    other.keys = vault.keys;
    expect(answer.session).toBeDefined();
    const otherLink = await joinVault(other);
    await other.call(AccountService.method.logout, {});
    expect(await closingCode(otherLink)).toBe('not-signed-in');
    await putRecord(vault, 'still linked');
    await link.next('newData');
    await vault.call(AccountService.method.logout, { everywhere: true });
    expect(await closingCode(link)).toBe('not-signed-in');
  });

  test('who is signed out, or deleted, is out of their sessions, with a link or without one', async () => {
    const { vault, identity, gateway, link, recordUid } = await pair();
    const other = await ApiClient.connect(server.url);
    const email = `person${count - 1}@example.test`;
    await other.login(email, 'correct horse battery');
    other.keys = vault.keys;
    const otherLink = await joinVault(other);
    const begin = async (client: ApiClient, on: VaultClient) => {
      const sessionUid = await connect(client, on, identity.gatewayUid, recordUid);
      await accept(gateway);
      await on.next('commandResult');
      return sessionUid;
    };
    const stays = await begin(vault, link);
    const gone = await begin(other, otherLink);
    otherLink.socket.terminate(); // the sessions themselves need no link
    expect((await gateway.next('vaultGone')).sessionUids).toEqual([gone]);
    const linked = await joinVault(other);
    await vault.call(DeviceService.method.revokeDevice, { deviceUid: uidBytes(other.deviceUid) });
    expect(await closingCode(linked)).toBe('not-signed-in'); // whatever the device itself would do
    expect((await gateway.next('signedOut')).sessionUids).toEqual([gone]);
    await vault.call(AccountService.method.deleteAccount, { email });
    expect((await gateway.next('signedOut')).sessionUids).toEqual([stays]);
    await gateway.closed;
  });

  test('a removed gateway is put out at once and stays out', async () => {
    const { vault, identity, gateway, link } = await pair();
    await vault.call(ApplicationService.method.removeClient, { clientId: identity.clientId });
    expect(await closingCode(gateway)).toBe('not-allowed');
    await info(vault, link, identity.gatewayUid);
    expect(await failureCode(link)).toBe('gateway-unknown');
    expect(await closingCode(await openGatewayLink(server.url, identity))).toBe('not-allowed');
  });

  test("a gateway without its key, or under another's name, is not let in", async () => {
    const vault = await newVault();
    const [one, two] = [await enrolGateway(vault), await enrolGateway(vault)];
    const thief: GatewayIdentity = { ...one, device: signerOf(generateEcdhKeyPair().privateKey) };
    expect(await closingCode(await openGatewayLink(server.url, thief))).toBe('bad-signature');
    const impostor: GatewayIdentity = { ...two, gatewayUid: one.gatewayUid };
    expect(await closingCode(await openGatewayLink(server.url, impostor))).toBe('not-allowed');
  });

  test('a vault without device key or session, or with the proof of another link, is not let in', async () => {
    const vault = await newVault();
    const attempt = async (changes: {
      binding?: Uint8Array;
      sessionToken?: Uint8Array;
      subject?: 'gateway';
    }) => {
      const link = await openVaultLink(vault);
      const { nonce } = await link.next('challenge');
      const signature = await signLinkProof(vault.device, {
        subject: changes.subject ?? 'vault',
        identity: uidBytes(vault.deviceUid),
        challenge: nonce,
        binding: changes.binding ?? link.channel.binding,
      });
      const { sessionToken = vault.sessionToken } = changes;
      await link.send({ body: { case: 'proof', value: { sessionToken, signature } } });
      return await closingCode(link);
    };
    expect(await attempt({ binding: new Uint8Array(32) })).toBe('bad-signature');
    expect(await attempt({ subject: 'gateway' })).toBe('bad-signature');
    expect(await attempt({ sessionToken: new Uint8Array(32) })).toBe('not-signed-in');
    const early = await openVaultLink(vault);
    await early.send({
      body: { case: 'signal', value: { sessionUid: uidBytes(newUid()), sealed: utf8('x') } },
    });
    expect(await closingCode(early)).toBe('not-signed-in');
  });

  test('a frame that does not open ends the link', async () => {
    const link = await joinVault(await newVault());
    link.socket.send(randomBytes(64));
    expect(await closingCode(link)).toBe('open-failed');
  });
});

describe('links and time', () => {
  test('a vault that does not prove itself, and a peer that answers no ping, are dropped', async () => {
    const link = { heartbeatMs: 200, proofMs: 300, closeMs: 200 };
    const server = await startTestServer({}, { times: { link } });
    try {
      const vault = await ApiClient.connect(server.url);
      await vault.register('slow@example.test', 'correct horse battery');
      const silent = await openVaultLink(vault);
      expect((await silent.next('closing')).code).toBe('timed-out');
      const live = await joinVault(vault);
      const dead = await joinVault(vault);
      dead.socket.pong = () => undefined;
      (dead.socket as unknown as { _autoPong: boolean })._autoPong = false;
      await dead.closed;
      await putRecord(vault, 'one');
      await live.next('newData');
    } finally {
      await server.close();
    }
  });

  test('a peer that takes nothing loses its link, and the server keeps its memory', async () => {
    const server = await startTestServer();
    try {
      const vault = await ApiClient.connect(server.url);
      await vault.register('full@example.test', 'correct horse battery');
      const identity = await enrolGateway(vault);
      const recordUid = await putRecord(vault, 'machine');
      const gateway = await openGatewayLink(server.url, identity);
      await gateway.next('roster');
      const link = await joinVault(vault);
      const what = { ...infoOrder(vault, identity.gatewayUid), kind: CommandKind.CONNECT, recordUid };
      const sessionUid = newUid();
      const order = { ...what, sessionUid, sessionNonce: randomBytes(16) };
      const command = await signCommand(vault.account.signer, order, empty, Date.now());
      await link.send({ body: { case: 'command', value: { requestId: 1, command } } });
      await gateway.next('command');
      gateway.socket.pause();
      const sealed = randomBytes(60_000);
      const lost = link.next('gatewayStatus');
      for (let i = 0; i < 200; i++)
        await link.send({ body: { case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } } });
      expect(await lost).toMatchObject({ online: false });
      gateway.socket.terminate();
    } finally {
      await server.close();
    }
  });

  test('a stopping server tells its links to come back, and a restarted one takes them', async () => {
    let server = await startTestServer();
    const vault = await ApiClient.connect(server.url);
    await vault.register('stay@example.test', 'correct horse battery');
    const identity = await enrolGateway(vault);
    const gateway = await openGatewayLink(server.url, identity);
    await gateway.next('roster');
    const link = await joinVault(vault);
    const restarted = server.restart();
    expect((await link.next('closing')).code).toBe('unavailable');
    expect((await gateway.next('closing')).code).toBe('unavailable');
    server = await restarted;
    try {
      await joinVault(vault);
      await (await openGatewayLink(server.url, identity)).next('roster');
    } finally {
      await server.close();
    }
  });
});

function infoOrder(vault: ApiClient, gatewayUid: Uid) {
  return {
    kind: CommandKind.GATEWAY_INFO,
    gatewayUid,
    recordUid: null,
    accountUid: vault.accountUid,
    rosterVersion: 1n,
    sessionUid: null,
    sessionNonce: empty,
  };
}
