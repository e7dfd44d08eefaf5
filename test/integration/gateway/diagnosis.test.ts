import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { generateEphemeralKey } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  DiagnosedLeg,
  DiagnoseReplySchema,
  DiagnoseRequestSchema,
  type DiagnoseReply,
} from '../../../protocol/messages/gen/command_pb.js';
import { commandUidOf, verifyReply } from '../../../protocol/signed/command.ts';
import { newUid } from '../../../protocol/uid.ts';
import { Installation } from '../../fakes/installation.ts';
import { commandOf, newPerson, type Person } from '../../fakes/organisation.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';

let made: Installation;
/** Listens, and says what guacd would; or nothing. */
let answers: Server;
let saysArguments = true;
let asked = '';

beforeEach(async () => {
  saysArguments = true;
  answers = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      asked = bytes.toString();
      if (saysArguments) socket.write('4.args,13.VERSION_1_3_0,8.hostname;');
      else socket.end();
    });
  }).listen(0, '127.0.0.1');
  await once(answers, 'listening');
});
afterEach(async () => {
  await made.stop();
  answers.close();
});

const port = () => (answers.address() as AddressInfo).port;

async function begin({ target = port(), guacd = port() } = {}) {
  const host = '127.0.0.1';
  made = await Installation.make({ host, port: target, username: 'ada', password: 'unused' });
  await made.start({ GUACD_PORT: String(guacd) });
}

/** What the gateway says by leg, or the code of its refusal. */
async function diagnose(person: Person = made.person, recordUid = made.machineUid, recordRevision = 1n) {
  const reply = await ask({ recordRevision }, { person, recordUid });
  if (typeof reply === 'string') return reply;
  return Object.fromEntries(reply.legs.map(({ leg, code }) => [DiagnosedLeg[leg], code]));
}

async function ask(
  stated: MessageInitShape<typeof DiagnoseRequestSchema>,
  { person = made.person, recordUid = made.machineUid, ticket = new Uint8Array(0) } = {},
): Promise<DiagnoseReply | string> {
  const request = encodeMessage(DiagnoseRequestSchema, stated);
  const objects = [made.gatewayUid, person.accountUid];
  const payload = await sealToPublicKey(made.deviceKey, 'command-payload', objects, request);
  const order = { kind: CommandKind.DIAGNOSE, recordUid };
  const command = await commandOf(person, made.gatewayUid, order, { payload });
  const { outcome } = await made.router.relay(command, undefined, ticket);
  if (outcome.case !== 'sealed') return outcome.value?.code ?? '';
  const sealedFor = [made.gatewayUid, commandUidOf(command.command)];
  const opened = await openWithPrivateKey(person.ecdh, 'command-reply', sealedFor, outcome.value);
  return decodeMessage(DiagnoseReplySchema, verifyReply(made.deviceKey, command.command, opened));
}

describe('a diagnosis at the gateway', () => {
  test('guacd shakes hands for the machine’s protocol, and the machine takes a connection', async () => {
    await begin();
    expect(await diagnose()).toEqual({ GUACD: '', TARGET: '' });
    expect(asked).toBe('6.select,3.ssh;');
  });

  test('each broken leg is named, and the other one still tried', async () => {
    await begin({ guacd: nobodysPort });
    expect(await diagnose()).toEqual({ GUACD: 'guacd-unreachable', TARGET: '' });
    await made.stop();
    await begin({ target: nobodysPort });
    expect(await diagnose()).toEqual({ GUACD: '', TARGET: 'target-refused' });
  });

  test('a guacd that closes instead of answering is named too', async () => {
    saysArguments = false;
    await begin();
    expect(await diagnose()).toMatchObject({ GUACD: 'guacd-lost' });
  });

  test('of a machine behind another, that other is tried, and nothing is logged in to', async () => {
    await begin({ target: nobodysPort });
    const jump = { host: '127.0.0.1', port: port(), username: 'ada', password: 'unused' };
    await made.putMachine({ ...jump, port: 9, connection: { jumpMachineUid: made.jumpUid } });
    await made.putJump(jump);
    expect(await diagnose(made.person, made.machineUid, 2n)).toEqual({ GUACD: '', JUMP: '' });
    await made.putJump({ ...jump, port: nobodysPort });
    expect(await diagnose(made.person, made.machineUid, 2n)).toEqual({ GUACD: '', JUMP: 'target-refused' });
  });

  test('a detour is prepared for a ticket and a key, and for nothing less', async () => {
    await begin();
    const { publicKey: detourKey } = await generateEphemeralKey();
    const ticket = randomBytes(32);
    const keyFor = async (stated: object, ways: object) => {
      const reply = await ask({ recordRevision: 1n, ...stated }, ways);
      return typeof reply === 'string' ? reply : reply.detourKey.length;
    };
    expect(await keyFor({ detourKey }, { ticket })).toBe(detourKey.length);
    expect(await keyFor({ detourKey }, {})).toBe(0);
    expect(await keyFor({ detourKey }, { ticket: randomBytes(31) })).toBe(0);
    expect(await keyFor({}, { ticket })).toBe(0);
    expect(await keyFor({ detourKey: randomBytes(65) }, { ticket })).toBe('malformed');
  });

  test('who may not connect learns nothing', async () => {
    await begin();
    const stranger = newPerson();
    expect(await diagnose(stranger)).toBe('not-in-roster');
    made.router.roster = await made.organisation.roster(2n, [made.person, stranger]);
    made.router.send({ case: 'roster', value: made.router.roster });
    expect(await diagnose(stranger)).toBe('not-allowed');
  });

  test('neither for a record that it cannot open, nor from an older copy than the vault has', async () => {
    await begin();
    expect(await diagnose(made.person, newUid())).toBe('record-unavailable');
    expect(await diagnose(made.person, made.machineUid, 2n)).toBe('record-outdated');
  });

  test('neither by an older roster than the sealed configuration demands', async () => {
    await begin();
    await made.putConfiguration({ rosterVersion: 5 });
    expect(await diagnose()).toBe('roster-outdated');
  });

  test('the eleventh in a minute is refused', async () => {
    await begin();
    for (let count = 0; count < 10; count++) await diagnose();
    expect(await diagnose()).toBe('busy');
  });
});
