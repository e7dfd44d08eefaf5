// Attack class 24: the server lies about the time, so that what a person orders today is signed for a day it picks.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { AccountService } from '../../protocol/messages/gen/account_pb.js';
import { ApiRequestSchema } from '../../protocol/messages/gen/api_pb.js';
import { CommandSchema } from '../../protocol/messages/gen/command_pb.js';
import { newUid } from '../../protocol/uid.ts';
import { ApiClient } from '../../workers/engine/connection/api-client.ts';
import { GatewayCommands, type GatewayCommandParts } from '../../workers/engine/gateways/gateway-commands.ts';
import { Login } from '../../workers/engine/sign-in/login.ts';
import { Sessions, type SessionParts } from '../../workers/engine/sessions/sessions.ts';
import { VaultSession } from '../../workers/engine/connection/vault-session.ts';
import { plainEnvironment } from '../../workers/plain-environment.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine } from '../fixtures/engine.ts';

const credentials = {
  email: 'ada@example.test',
  factor: 'password',
  secret: 'correct horse battery',
} as const;
const day = 24 * 3_600_000;
const noon = Date.UTC(2026, 5, 1, 12);
const closing = new AbortController();

let server: HostileServer;
beforeEach(async () => {
  server = await HostileServer.start();
  const engine = await startEngine(server.origin, { transport: server.transport });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: credentials.email, password: credentials.secret });
  await engine.close();
});
afterEach(() => server.honest());

/** Signs in at noon, with a server that says `offset` more. */
async function signIn(offset: number) {
  server.lie(AccountService.method.finishLogin, ({ session }) => {
    if (session) session.serverTimeMs = BigInt(noon + offset);
  });
  const warnings: string[] = [];
  const environment = plainEnvironment(server.origin, {
    transport: server.transport,
    clock: { now: () => noon, schedule: () => () => {} },
    warn: (message) => warnings.push(message),
  });
  const api = new ApiClient(environment, closing.signal, () => {});
  const { step } = await Login.bySecret(api, environment, credentials);
  if (step.kind !== 'signed-in') throw new Error('the login is halfway');
  const { signedIn } = step;
  return {
    api,
    warnings,
    account: signedIn.account,
    session: new VaultSession(api, signedIn.session, () => {}),
  };
}

/** The dates of every command that the verbs of a vault sign, none of which gets an answer. */
async function signedDates({ account, session }: Awaited<ReturnType<typeof signIn>>): Promise<bigint[]> {
  const issued: bigint[] = [];
  const desk = {
    send: ({ command }: { command: Uint8Array }) => {
      issued.push(decodeMessage(CommandSchema, command).issuedAtMs);
      return Promise.reject(new ProtocolError('timed-out'));
    },
  };
  const configurationUid = newUid();
  const gateway = { uid: newUid(), configurationUid };
  const gatewayKey = signerOf(generateEcdhKeyPair().privateKey).publicKey;
  const gateways = {
    find: () => Promise.resolve(gateway),
    known: () => Promise.resolve([gateway]),
    pinnedKey: () => Promise.resolve(gatewayKey),
  };
  const stated = { recordRevision: 1n, credentialRevision: 1n, configurationRevision: 1n, pinnedHostKey: '' };
  const target = { gateway, seed: randomBytes(32), stated, recordUids: [] };
  const targets = { find: () => Promise.resolve(target) };
  const parts = { account, session, gateways, desk, targets, onEvent: () => {}, warn: () => {} };
  const commands = new GatewayCommands(parts as unknown as GatewayCommandParts);
  const sessions = new Sessions({ ...parts, commands } as unknown as SessionParts);
  const display = { width: 80, height: 24, dpi: 96, timezone: 'UTC' };
  const input = { recordUid: newUid(), peerUid: newUid(), offer: null, display };
  await expect(commands.readInfo(gateway.uid)).rejects.toMatchObject({ name: 'timed-out' });
  await expect(commands.listTasks(gateway.uid)).rejects.toMatchObject({ name: 'timed-out' });
  await expect(commands.endSession(gateway as never, newUid())).rejects.toMatchObject({ name: 'timed-out' });
  await expect(sessions.start(input)).rejects.toMatchObject({ name: 'timed-out' });
  return issued;
}

test.each([
  ['ninety days ahead', 90 * day],
  ['a day behind', -day],
  ['as far ahead as is allowed', limits.clockSkewMs],
])('a server that is %s has no say in the date of a command', async (_, offset) => {
  expect(await signedDates(await signIn(offset))).toEqual(Array<bigint>(4).fill(BigInt(noon)));
});

test('calls follow the server within the clock skew, and no further: then a warning says which clock differs', async () => {
  const near = await signIn(limits.clockSkewMs);
  expect([near.api.now(), near.warnings]).toEqual([noon + limits.clockSkewMs, []]);
  const far = await signIn(limits.clockSkewMs + 1);
  expect(far.api.now()).toBe(noon);
  expect(far.warnings).toEqual([expect.stringContaining('the clock of this device is 5 minutes behind')]);
  far.api.learnTime(BigInt(noon) + 2n ** 62n);
  expect(far.api.now()).toBe(noon);
});

test('a call is signed for a time within the clock skew of the device, whatever the server says', async () => {
  const { session } = await signIn(90 * day);
  const dates: number[] = [];
  server.onRequest = (payload) => dates.push(Number(decodeMessage(ApiRequestSchema, payload).issuedAtMs));
  await session.call(AccountService.method.renewSession, {});
  expect(dates).toEqual([noon]);
});
