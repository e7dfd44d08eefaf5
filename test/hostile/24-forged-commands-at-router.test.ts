// Attack class 24 at the router: a command that its account did not sign, or not for now, never reaches a gateway.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { empty, utf8 } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { CommandKind, CommandSchema } from '../../protocol/messages/gen/command_pb.js';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { signCommand } from '../../protocol/signed/command.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { enrolGateway, type TestGateway } from '../fixtures/application.ts';
import { joinVault, openGatewayLink, type GatewayClient, type VaultClient } from '../fixtures/link-client.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

describe('commands at the router', () => {
  let server: TestServer;
  let victim: ApiClient;
  let mallory: ApiClient;
  let identity: TestGateway;
  let gateway: GatewayClient;
  let links: { victim: VaultClient; mallory: VaultClient };
  let requestId = 0;
  beforeAll(async () => {
    server = await startTestServer();
    victim = await ApiClient.connect(server.url);
    await victim.register('victim@example.test', 'correct horse battery');
    mallory = await ApiClient.connect(server.url);
    await mallory.register('mallory@example.test', 'correct horse battery');
    identity = await enrolGateway(victim);
    gateway = await openGatewayLink(server.url, identity);
    await gateway.next('roster');
    links = { victim: await joinVault(victim), mallory: await joinVault(mallory) };
  });
  afterAll(() => server.close());

  type Command = Awaited<ReturnType<typeof signCommand>>;

  const sign = (signer: ApiClient, changes: { now?: number; as?: ApiClient } = {}) =>
    signCommand(
      signer.account.signer,
      {
        kind: CommandKind.GATEWAY_INFO,
        gatewayUid: identity.gatewayUid,
        recordUid: null,
        accountUid: (changes.as ?? signer).accountUid,
        rosterVersion: 1n,
        sessionUid: null,
        sessionNonce: empty,
      },
      utf8('payload'),
      changes.now ?? Date.now(),
    );

  const send = async (link: VaultClient, command: Command) => {
    await link.send({ body: { case: 'command', value: { requestId: ++requestId, command } } });
    const { outcome } = await link.next('commandResult');
    return outcome.case === 'failure' ? outcome.value.code : outcome.case;
  };

  const reachedGateway = () => gateway.frames.filter(({ body }) => body.case === 'command').length;

  test("signed by another key in the victim's name", async () => {
    expect(await send(links.victim, await sign(mallory, { as: victim }))).toBe('bad-signature');
  });

  test('of the victim, sent by another account', async () => {
    expect(await send(links.mallory, await sign(victim))).toBe('not-allowed');
  });

  test('to a gateway of another organisation', async () => {
    expect(await send(links.mallory, await sign(mallory))).toBe('gateway-unknown');
  });

  test('with another payload, or changed in any byte', async () => {
    const command = await sign(victim);
    expect(await send(links.victim, { ...command, sealedPayload: utf8('other') })).toBe('bad-signature');
    const bent = command.command.with(10, (command.command[10] ?? 0) ^ 1);
    expect(['bad-signature', 'malformed', 'not-allowed']).toContain(
      await send(links.victim, { ...command, command: bent }),
    );
    const signature = command.signature.with(3, (command.signature[3] ?? 0) ^ 1);
    expect(await send(links.victim, { ...command, signature })).toBe('bad-signature');
    expect(await send(links.victim, { ...command, signature: empty })).toBe('bad-signature');
  });

  test('that ran out, that comes from the future, or that would live too long', async () => {
    const { commandLifetimeMs, clockSkewMs } = limits;
    const margin = commandLifetimeMs + clockSkewMs + 5_000;
    expect(await send(links.victim, await sign(victim, { now: Date.now() - margin }))).toBe('expired');
    expect(await send(links.victim, await sign(victim, { now: Date.now() + clockSkewMs + 5_000 }))).toBe(
      'expired',
    );
    const command = await sign(victim);
    const body = decodeMessage(CommandSchema, command.command);
    const long = encodeMessage(CommandSchema, { ...body, expiresAtMs: body.expiresAtMs + 60_000n });
    const signature = await victim.account.signer.sign(signatureContexts.command, long);
    expect(await send(links.victim, { ...command, command: long, signature })).toBe('expired');
  });

  test('of no known kind', async () => {
    const body = decodeMessage(CommandSchema, (await sign(victim)).command);
    const command = encodeMessage(CommandSchema, {
      ...body,
      commandUid: randomBytes(16),
      kind: 99 as CommandKind,
    });
    const signature = await victim.account.signer.sign(signatureContexts.command, command);
    expect(await send(links.victim, { command, signature, sealedPayload: utf8('payload') })).toBe(
      'malformed',
    );
  });

  test('none of them reached the gateway; the real one does, once, also when it is sent again on another link', async () => {
    expect(reachedGateway()).toBe(0);
    const command = await sign(victim);
    await links.victim.send({ body: { case: 'command', value: { requestId: ++requestId, command } } });
    const { relayId } = await gateway.next('command');
    expect(await send(links.victim, command)).toBe('replayed');
    const second = await joinVault(victim);
    expect(await send(second, command)).toBe('replayed');
    expect(await send(links.mallory, command)).toBe('not-allowed');
    const reply = { outcome: { case: 'sealed', value: utf8('ok') } } as const;
    await gateway.send({ body: { case: 'reply', value: { relayId, reply } } });
    expect((await links.victim.next('commandResult')).outcome.case).toBe('reply');
    expect(reachedGateway()).toBe(0);
  });

  test("a gateway's answer goes to the command it belongs to, once, and an invented one nowhere", async () => {
    await links.victim.send({
      body: { case: 'command', value: { requestId: ++requestId, command: await sign(victim) } },
    });
    const { relayId } = await gateway.next('command');
    const other = await openGatewayLink(server.url, await enrolGateway(mallory));
    await other.next('roster');
    const reply = (text: string) =>
      ({ relayId, reply: { outcome: { case: 'sealed', value: utf8(text) } } }) as const;
    await other.send({ body: { case: 'reply', value: reply('forged') } });
    await other.send({ body: { case: 'rosterRequest', value: {} } });
    await other.next('roster'); // by now the forged one was handled
    await gateway.send({ body: { case: 'reply', value: { ...reply('x'), relayId: relayId + 1000n } } });
    await gateway.send({ body: { case: 'reply', value: reply('real') } });
    const { outcome } = await links.victim.next('commandResult');
    expect(outcome).toMatchObject({ value: { outcome: { value: utf8('real') } } });
  });
});
