// Attack class 18: getting anything of a vault before every factor of the login has passed.
import { client as opaque } from '@serenity-kit/opaque';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { AccountService, LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { DeviceService } from '../../protocol/messages/gen/device_pb.js';
import { PasskeyService, SecondFactorService } from '../../protocol/messages/gen/factor_pb.js';
import { ApplicationService } from '../../protocol/messages/gen/application_pb.js';
import { RecordService } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes } from '../../protocol/uid.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { putRecord } from '../fixtures/application.ts';
import { openVaultLink } from '../fixtures/link-client.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const email = 'victim@example.test';
const password = 'correct horse battery';
const beforeLogin = [
  'GetServerInfo',
  'StartRegistration',
  'FinishRegistration',
  'StartLogin',
  'FinishLogin',
  'CompleteLogin',
  'StartPasskeyLogin',
  'FinishPasskeyLogin',
  'AwaitApproval',
  'CancelLogin',
];
const { startLogin, finishLogin } = AccountService.method;

describe('before the proof', () => {
  let server: TestServer;
  let victim: ApiClient;
  let attacker: ApiClient;
  beforeAll(async () => {
    server = await startTestServer();
    victim = await ApiClient.connect(server.url);
    await victim.register(email, password);
    await putRecord(victim, 'secret');
  });
  afterAll(() => server.close());

  const device = () => ({
    deviceUid: uidBytes(victim.deviceUid),
    publicKey: attacker.device.publicKey,
    name: 'x',
  });

  test('every method but those of the login itself is refused, with an error and nothing else', async () => {
    attacker = await ApiClient.connect(server.url);
    const services = [
      ...[AccountService, SecondFactorService, PasskeyService, DeviceService],
      ...[RecordService, ApplicationService],
    ];
    const methods = services.flatMap(({ methods: all }) => all);
    const closed = methods.filter(({ name }) => !beforeLogin.includes(name));
    expect(closed.length).toBeGreaterThan(14);
    for (const method of closed)
      for (const sessionToken of [new Uint8Array(0), randomBytes(32), randomBytes(7)])
        await expect(attacker.call(method, {}, { sessionToken }), method.name).rejects.toMatchObject({
          code: 'not-signed-in',
        });
  });

  test('a stolen session token without its device key opens nothing', async () => {
    attacker.sessionToken = victim.sessionToken;
    await expect(attacker.call(RecordService.method.sync, {})).rejects.toMatchObject({
      code: 'bad-signature',
    });
    const unsigned = await attacker.seal(
      RecordService.method.sync,
      {},
      { signer: victim.device, signedMethod: 'x' },
    );
    await expect(
      attacker.open(RecordService.method.sync, unsigned, await attacker.post(unsigned)),
    ).rejects.toMatchObject({ code: 'bad-signature' });
    attacker.sessionToken = new Uint8Array(0);
  });

  test('the first half of a login gives what OPAQUE needs and nothing of the account', async () => {
    const { startLoginRequest } = opaque.startLogin({ password: 'a guess' });
    const answer = await attacker.call(startLogin, {
      email,
      factor: LoginFactor.PASSWORD,
      loginRequest: startLoginRequest,
    });
    expect(Object.keys(answer).sort()).toEqual(['$typeName', 'loginResponse', 'loginUid']);
    expect(answer.loginUid).toHaveLength(16);
    expect(answer.loginResponse).toHaveLength(427);
  });

  test('a second half without proof, for another login, or used twice gives nothing', async () => {
    const refused = { code: 'login-refused' };
    const start = async () => {
      const { clientLoginState, startLoginRequest } = opaque.startLogin({ password });
      const input = { email, factor: LoginFactor.PASSWORD, loginRequest: startLoginRequest };
      const { loginUid, loginResponse } = await attacker.call(startLogin, input);
      const finished = opaque.finishLogin({
        clientLoginState,
        loginResponse,
        password,
        keyStretching: { 'argon2id-custom': { iterations: 1, memory: 64, parallelism: 1 } },
      });
      return { loginUid, loginFinish: finished?.finishLoginRequest ?? '' };
    };
    const [one, two] = [await start(), await start()];
    const attempts = [
      { loginUid: one.loginUid, loginFinish: two.loginFinish },
      { loginUid: one.loginUid, loginFinish: one.loginFinish }, // spent by the attempt before
      { loginUid: randomBytes(16), loginFinish: two.loginFinish },
    ];
    for (const attempt of attempts)
      await expect(attacker.call(finishLogin, { ...attempt, device: device() })).rejects.toMatchObject(
        refused,
      );
    const empty = await start();
    await expect(
      attacker.call(finishLogin, { loginUid: empty.loginUid, loginFinish: '', device: device() }),
    ).rejects.toMatchObject(refused);
  });

  test('a link says nothing but its challenge, and no news reach it', async () => {
    const link = await openVaultLink(attacker);
    await link.next('challenge');
    await putRecord(victim, 'news');
    expect(link.frames).toEqual([]);
    link.socket.close();
    await link.closed;
  });

  test('what is asked in clear, or of a method that does not exist, is answered without content', async () => {
    for (const path of [
      'RecordService/Sync',
      'RecordService/Nothing',
      'X/constructor',
      'AccountService/__proto__',
    ]) {
      const headers = { 'content-type': 'application/octet-stream' };
      const response = await fetch(`${server.url}/api/v1/${path}`, {
        method: 'POST',
        headers,
        body: randomBytes(300),
      });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(Object.keys((await response.json()) as object).sort()).toEqual(['code', 'message']);
    }
  });
});
