// Attack class 19, after the password: guessing codes faster than one may.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AccountService } from '../../protocol/messages/gen/account_pb.js';
import { SecondFactorService } from '../../protocol/messages/gen/factor_pb.js';
import { totpCode } from '../../server/login/totp.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { holdCodeTime, wrongCode } from '../fixtures/code-time.ts';
import { startTestServer } from '../fixtures/server.ts';

const email = 'victim@example.test';
const password = 'correct horse battery';
const { completeLogin } = AccountService.method;
const slow = { burst: 7, perSecond: 0.001 };
const wide = { burst: 10_000, perSecond: 10_000 };

beforeAll(holdCodeTime);
afterAll(() => void vi.useRealTimers());

async function guess(client: ApiClient, value: string): Promise<unknown> {
  const { secondFactor } = await client.login(email, password);
  const loginUid = secondFactor?.loginUid ?? new Uint8Array(0);
  const deviceProof = await client.proveDevice(completeLogin, loginUid);
  return await client.call(completeLogin, { loginUid, answer: { case: 'totpCode', value }, deviceProof });
}

test.each([
  ['an account', { perAccount: slow, perAddress: wide }],
  ['an address', { perAccount: wide, perAddress: slow }],
])('codes are throttled by %s, over as many logins and devices as one likes', async (_, codes) => {
  const server = await startTestServer({}, { rates: { codes } });
  try {
    const victim = await ApiClient.connect(server.url);
    await victim.register(email, password);
    const { method } = SecondFactorService;
    const { ceremonyUid, secret } = await victim.call(method.startAuthenticatorApp, {});
    const code = (steps: number) => totpCode(secret, Math.floor(Date.now() / 30_000) + steps);
    await victim.call(method.finishAuthenticatorApp, { ceremonyUid, code: code(-1), name: 'Phone' });
    for (let i = 0; i < slow.burst; i++)
      await expect(guess(await ApiClient.connect(server.url), wrongCode(code))).rejects.toMatchObject({
        code: 'login-refused',
      });
    await expect(guess(victim, code(0))).rejects.toMatchObject({ code: 'too-many-requests' });
  } finally {
    await server.close();
  }
});
