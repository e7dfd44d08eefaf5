// Attack class 7: whoever can write to the server or to the device lowers what a guess at the password costs.
import { client, server as opaqueServer, ready } from '@serenity-kit/opaque';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { LocalAccountSchema, type Argon2Parameters } from '../../protocol/messages/gen/local_pb.js';
import { startLogin, startRegistration } from '../../workers/engine/sign-in/opaque.ts';
import { MemoryStorage } from '../../workers/storage/memory.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const { minMemoryKiB, maxMemoryKiB, minPasses, maxPasses } = limits.argon2;

describe('the local unlock', () => {
  let server: HostileServer;
  let engine: TestEngine;

  beforeAll(async () => {
    server = await HostileServer.start();
    engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'kdf@example.test', password });
    await engine.lock();
  });
  beforeEach(() => server.urls.splice(0));

  const stored = async () =>
    decodeMessage(LocalAccountSchema, (await engine.storage.readAccount()) ?? new Uint8Array(0));

  const changes: readonly (readonly [string, Partial<Argon2Parameters>])[] = [
    ['memory under the floor', { memoryKib: minMemoryKiB - 1 }],
    ['hardly any memory', { memoryKib: 8 }],
    ['no memory', { memoryKib: 0 }],
    ['memory over the ceiling', { memoryKib: maxMemoryKiB + 1 }],
    ['all the memory there is', { memoryKib: 2 ** 32 - 1 }],
    ['passes under the floor', { passes: minPasses - 1 }],
    ['passes over the ceiling', { passes: maxPasses + 1 }],
    ['passes for a year', { passes: 2 ** 32 - 1 }],
    ['another parallelism', { parallelism: 2 }],
    ['a short salt', { salt: new Uint8Array(8) }],
    ['no salt', { salt: new Uint8Array(0) }],
  ];

  test.each(changes)('%s is refused before anything is derived or asked', async (_, change) => {
    const account = await stored();
    const argon2 = { ...account.argon2, ...change };
    const storage = new MemoryStorage();
    await storage.writeAccount(encodeMessage(LocalAccountSchema, { ...account, argon2 } as typeof account));
    const victim = await startEngine(server.origin, { transport: server.transport, storage });
    await expect(victim.unlock({ password })).rejects.toMatchObject({ name: 'weak-parameters' });
    expect(victim.states.at(-1)?.phase).toBe('locked');
    expect(server.urls).toEqual([]);
    await victim.close();
  });

  test('an account without parameters is refused', async () => {
    const { argon2: _, ...account } = await stored();
    const storage = new MemoryStorage();
    await storage.writeAccount(
      encodeMessage(LocalAccountSchema, account as typeof account & { argon2?: never }),
    );
    const victim = await startEngine(server.origin, { transport: server.transport, storage });
    await expect(victim.unlock({ password })).rejects.toMatchObject({ name: 'weak-parameters' });
    await victim.close();
  });

  test('what this version writes is at the floor or over it', async () => {
    const { argon2 } = await stored();
    expect(argon2?.memoryKib).toBeGreaterThanOrEqual(64 * 1024);
    expect(argon2?.passes).toBeGreaterThanOrEqual(3);
    expect(argon2?.salt).toHaveLength(16);
  });
});

describe('OPAQUE', () => {
  beforeAll(() => ready);

  test('key stretching is compiled in: the right password with cheaper costs does not open the record', async () => {
    const serverSetup = opaqueServer.createSetup();
    const userIdentifier = 'password:a@example.test';
    const registration = await startRegistration(password);
    const response = opaqueServer.createRegistrationResponse({
      ...{ serverSetup, userIdentifier },
      registrationRequest: registration.request,
    });
    const { record, exportKey } = registration.finish(response.registrationResponse);
    const answer = (startLoginRequest: string) =>
      opaqueServer.startLogin({ serverSetup, userIdentifier, registrationRecord: record, startLoginRequest });

    for (const cost of [
      { iterations: 1, memory: 8, parallelism: 1 },
      { iterations: 3, memory: 65_536 / 2, parallelism: 1 },
      { iterations: 2, memory: 65_536, parallelism: 1 },
    ]) {
      const { clientLoginState, startLoginRequest } = client.startLogin({ password });
      const { loginResponse } = answer(startLoginRequest);
      const keyStretching = { 'argon2id-custom': cost };
      expect(
        client.finishLogin({ clientLoginState, loginResponse, password, keyStretching }),
      ).toBeUndefined();
    }
    const login = await startLogin(password);
    expect(login.finish(answer(login.request).loginResponse).exportKey).toEqual(exportKey);
  });

  test('a record that the server made with costs of its own is a wrong password', async () => {
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'weak@example.test', password });
    await engine.signOut();
    const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
    const cheap = { 'argon2id-custom': { iterations: 1, memory: 8, parallelism: 1 } };
    const { registrationResponse } = opaqueServer.createRegistrationResponse({
      ...{ serverSetup: opaqueServer.createSetup(), userIdentifier: '1:weak@example.test' },
      registrationRequest,
    });
    const { registrationRecord: record } = client.finishRegistration({
      ...{ password, clientRegistrationState, registrationResponse, keyStretching: cheap },
    });
    const factors = server.accounts.get('weak@example.test')?.factors;
    factors?.set(LoginFactor.PASSWORD, { record, sealedDataKey: new Uint8Array(64) });
    await expect(engine.signIn({ email: 'weak@example.test', password })).rejects.toMatchObject({
      name: 'login-refused',
    });
    await engine.close();
  });
});
