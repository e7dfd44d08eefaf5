import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountService, LoginFactor } from '../../../protocol/messages/gen/account_pb.js';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery';
const { getServerInfo, logout, renewSession, finishPasswordChange } = AccountService.method;

describe('accounts', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());

  const newClient = () => ApiClient.connect(server.url);
  const registered = async (email: string) => {
    const client = await newClient();
    await client.register(email, password);
    return client;
  };

  test('a new account is signed in at once and can sign in again, with password and with recovery phrase', async () => {
    const first = await registered('ada@example.test');
    expect((await first.call(renewSession, {})).expiresAtMs).toBeGreaterThan(BigInt(Date.now()));
    const second = await newClient();
    const answer = await second.login(' ADA@example.test', password);
    expect(answer.account?.email).toBe('ada@example.test');
    expect(answer.organisation?.roster?.roster.length).toBeGreaterThan(100);
    expect(answer.organisation?.sealedSigningKey.length).toBeGreaterThan(60);
    const third = await newClient();
    const recovered = await third.login('ada@example.test', 'recovery words', LoginFactor.RECOVERY);
    expect(recovered.sealedDataKey).not.toEqual(answer.sealedDataKey);
  });

  test('a wrong password and an unknown account are refused', async () => {
    await registered('bob@example.test');
    const client = await newClient();
    await expect(client.login('bob@example.test', 'wrong password')).rejects.toThrow('wrong password');
    await expect(client.login('nobody@example.test', password)).rejects.toThrow('wrong password');
  });

  test('an email has one account', async () => {
    await registered('once@example.test');
    await expect(registered('Once@example.test')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a session ends at logout; everywhere ends the others too', async () => {
    const first = await registered('eve@example.test');
    const second = await newClient();
    await second.login('eve@example.test', password);
    const third = await newClient();
    await third.login('eve@example.test', password);
    await second.call(logout, {});
    await expect(second.call(renewSession, {})).rejects.toMatchObject({ code: 'not-signed-in' });
    await first.call(renewSession, {});
    await first.call(logout, { everywhere: true });
    await expect(first.call(renewSession, {})).rejects.toMatchObject({ code: 'not-signed-in' });
    await expect(third.call(renewSession, {})).rejects.toMatchObject({ code: 'not-signed-in' });
  });

  test('a password change ends other sessions and the old password', async () => {
    const client = await registered('carol@example.test');
    const other = await newClient();
    await other.login('carol@example.test', password);
    await client.changePassword('a whole new password', envelopeOf('data key'));
    await expect(other.call(renewSession, {})).rejects.toMatchObject({ code: 'not-signed-in' });
    await client.call(renewSession, {});
    await expect(other.login('carol@example.test', password)).rejects.toMatchObject({
      code: 'login-refused',
    });
    await other.login('carol@example.test', 'a whole new password');
  });

  test('a login that began with the old password does not finish after its change', async () => {
    const client = await registered('ivan@example.test');
    const finish = await (await newClient()).startLogin('ivan@example.test', password);
    const recover = await (
      await newClient()
    ).startLogin('ivan@example.test', 'recovery words', LoginFactor.RECOVERY);
    await client.changePassword('a whole new password', envelopeOf('data key'));
    await expect(finish()).rejects.toMatchObject({ code: 'login-refused' });
    await recover();
  });

  test("a password change of another account's start is refused", async () => {
    const client = await registered('dora@example.test');
    const input = {
      registrationUid: new Uint8Array(16),
      passwordRecord: 'x',
      passwordSealedDataKey: new Uint8Array(1),
    };
    await expect(client.call(finishPasswordChange, input)).rejects.toMatchObject({ code: 'expired' });
  });

  test("a call without session, with another device's signature, or signed for another method is refused", async () => {
    const client = await registered('finn@example.test');
    const stranger = await newClient();
    const { sync } = RecordService.method;
    await expect(stranger.call(sync, {})).rejects.toMatchObject({ code: 'not-signed-in' });
    await expect(client.call(sync, {}, { signer: stranger.device })).rejects.toMatchObject({
      code: 'bad-signature',
    });
    await expect(client.call(sync, {}, { signedMethod: 'RecordService/PutRecords' })).rejects.toMatchObject({
      code: 'bad-signature',
    });
  });

  test('a replayed and a stale request are refused', async () => {
    const client = await registered('gina@example.test');
    const sealed = await client.seal(renewSession, {});
    await client.open(renewSession, sealed, await client.post(sealed));
    await expect(client.open(renewSession, sealed, await client.post(sealed))).rejects.toMatchObject({
      code: 'replayed',
    });
    const hourAgo = BigInt(Date.now() - 3_600_000);
    await expect(client.call(renewSession, {}, { issuedAtMs: hourAgo })).rejects.toMatchObject({
      code: 'expired',
    });
  });

  test('only a call that proved its sender is remembered as a call of that session', async () => {
    const client = await registered('hugo@example.test');
    const { device } = await newClient();
    const forged = await client.seal(renewSession, {}, { signer: device });
    for (let i = 0; i < 2; i++)
      await expect(client.open(renewSession, forged, await client.post(forged))).rejects.toMatchObject({
        code: 'bad-signature',
      });
    const open = await client.seal(getServerInfo, {});
    await client.open(getServerInfo, open, await client.post(open));
    await expect(client.open(getServerInfo, open, await client.post(open))).rejects.toMatchObject({
      code: 'replayed',
    });
  });

  test('accounts and sessions outlive a restart', async () => {
    const client = await registered('hana@example.test');
    server = await server.restart();
    await client.call(renewSession, {});
    await (await newClient()).login('hana@example.test', password);
  });
});

describe('the first administrator', () => {
  test('needs the one-time link, which works once', async () => {
    const server = await startTestServer({ openSignUp: false });
    try {
      const client = await ApiClient.connect(server.url);
      expect(await client.call(getServerInfo, {})).toMatchObject({ needsSetup: true, openSignUp: false });
      await expect(client.register('a@example.test', password)).rejects.toMatchObject({
        code: 'not-allowed',
      });
      const wrong = Buffer.alloc(32).toString('base64url');
      await expect(client.register('a@example.test', password, wrong)).rejects.toMatchObject({
        code: 'not-allowed',
      });
      await client.register('a@example.test', password, server.setupToken ?? '');
      expect(await client.call(getServerInfo, {})).toMatchObject({ needsSetup: false });
      const second = await ApiClient.connect(server.url);
      await expect(
        second.register('b@example.test', password, server.setupToken ?? ''),
      ).rejects.toMatchObject({
        code: 'not-allowed',
      });
    } finally {
      await server.close();
    }
  });
});
