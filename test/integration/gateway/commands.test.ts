import { empty } from '../../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  EndSessionRequestSchema,
  GatewayInfoSchema,
  TaskListSchema,
  type CommandReply,
  type SignedCommand,
} from '../../../protocol/messages/gen/command_pb.js';
import { isGatewayIdentity } from '../../../protocol/session/gateway-identity.ts';
import { parseCommand, verifyReply } from '../../../protocol/signed/command.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Installation } from '../../fakes/installation.ts';
import { commandOf, newPerson, type Person } from '../../fakes/organisation.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

let made: Installation;
beforeEach(async () => {
  made = await Installation.make(target);
  await made.start();
});
afterEach(() => made.stop());

const order = (kind: CommandKind, person = made.person) => commandOf(person, made.gatewayUid, { kind });

async function open(person: Person, signed: SignedCommand, reply: CommandReply) {
  if (reply.outcome.case !== 'sealed') throw new Error(`refused: ${reply.outcome.value?.code}`);
  const objects = [made.gatewayUid, parseCommand(signed).commandUid];
  const opened = await openWithPrivateKey(person.ecdh, 'command-reply', objects, reply.outcome.value);
  return verifyReply(made.deviceKey, signed.command, opened);
}

describe('a linked gateway', () => {
  test('proves that it holds the application key', () => {
    const proof = made.router.proofs[0];
    expect(
      isGatewayIdentity(made.appKey, made.gatewayUid, made.deviceKey, proof?.identityProof ?? empty),
    ).toBe(true);
  });

  test('describes itself to the account that asked, sealed and signed', async () => {
    const signed = await order(CommandKind.GATEWAY_INFO);
    const info = decodeMessage(
      GatewayInfoSchema,
      await open(made.person, signed, await made.router.relay(signed)),
    );
    expect(info.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(info.rosterVersion).toBe(1n);
    expect(info.guacdAddress).toBe('127.0.0.1:4822');
    expect(info.memoryUsed).toBeGreaterThan(0n);
  });

  test('lists no tasks when there are none', async () => {
    const signed = await order(CommandKind.LIST_TASKS);
    const list = decodeMessage(
      TaskListSchema,
      await open(made.person, signed, await made.router.relay(signed)),
    );
    expect(list.tasks).toEqual([]);
  });

  test('says that there is no such session to end', async () => {
    const payload = await sealToPublicKey(
      made.deviceKey,
      'command-payload',
      [made.gatewayUid, made.person.accountUid],
      encodeMessage(EndSessionRequestSchema, { sessionUid: uidBytes(newUid()) }),
    );
    const signed = await commandOf(
      made.person,
      made.gatewayUid,
      { kind: CommandKind.END_SESSION },
      { payload },
    );
    expect((await made.router.relay(signed)).outcome.value).toMatchObject({ code: 'not-found' });
  });

  test('refuses a kind that it does not know', async () => {
    const signed = await order(99 as CommandKind);
    expect((await made.router.relay(signed)).outcome.value).toMatchObject({ code: 'unsupported' });
  });

  test('answers whatever the router sends', async () => {
    const stranger = newPerson();
    const reply = await made.router.relay(await order(CommandKind.GATEWAY_INFO, stranger));
    expect(reply.outcome).toMatchObject({ case: 'refused', value: { code: 'not-in-roster' } });
  });
});

describe('a link that breaks', () => {
  test('is resumed: a command sent meanwhile is answered, and no frame is lost or doubled', async () => {
    made.router.breakLink();
    const signed = await order(CommandKind.GATEWAY_INFO);
    const reply = made.router.relay(signed);
    await made.router.linked;
    expect((await reply).outcome.case).toBe('sealed');
    expect(made.router.proofs).toHaveLength(2);
    expect(made.router.proofs[1]?.resumeLinkUid).toHaveLength(16);
  });

  test('begins afresh at a router that has forgotten it', async () => {
    made.router.canResume = false;
    made.router.breakLink();
    await made.router.linked;
    const signed = await order(CommandKind.GATEWAY_INFO);
    expect((await made.router.relay(signed)).outcome.case).toBe('sealed');
  });

  test('is not taken up by a router that shows older server keys', async () => {
    made.router.keySetVersion = 5n;
    made.router.breakLink();
    await made.router.linked;
    made.router.keySetVersion = 4n;
    made.router.breakLink();
    await expect.poll(() => made.logLines.join('')).toContain('the server shows old keys');
  });
});
