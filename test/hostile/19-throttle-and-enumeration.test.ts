// Attack class 19: finding out which accounts exist, and guessing passwords faster than one may.
import { client as opaque } from '@serenity-kit/opaque';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { AccountService, LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { OrganisationService } from '../../protocol/messages/gen/organisation_pb.js';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const known = 'known@example.test';
const unknown = 'other@example.test';
const { startLogin, finishLogin, startRegistration } = AccountService.method;
const registrationOf = (email: string) => ({
  email,
  passwordRequest: opaque.startRegistration({ password: 'a guess' }).registrationRequest,
  recoveryRequest: opaque.startRegistration({ password: 'a phrase' }).registrationRequest,
});
const loginRequest = () => opaque.startLogin({ password: 'a guess' }).startLoginRequest;

describe('enumeration', () => {
  let server: TestServer;
  let attacker: ApiClient;
  beforeAll(async () => {
    server = await startTestServer();
    attacker = await ApiClient.connect(server.url);
    await attacker.register(known, 'correct horse battery');
    attacker = await ApiClient.connect(server.url);
  });
  afterAll(() => server.close());

  const start = async (email: string, factor = LoginFactor.PASSWORD) => {
    const sealed = await attacker.seal(startLogin, { email, factor, loginRequest: loginRequest() });
    const began = performance.now();
    const response = await attacker.post(sealed);
    const ms = performance.now() - began;
    const size = response.headers.get('content-length');
    const names = [...response.headers.keys()].filter((name) => name !== 'set-cookie');
    const { status } = response;
    return { ms, seen: { status, size, names }, answer: await attacker.open(startLogin, sealed, response) };
  };

  test.each([LoginFactor.PASSWORD, LoginFactor.RECOVERY])(
    'the answer to a login has one shape, whether the account exists or not (factor %i)',
    async (factor) => {
      const [there, absent] = [await start(known, factor), await start(unknown, factor)];
      expect(there.seen).toEqual(absent.seen);
      expect(there.answer.loginResponse.length).toBe(absent.answer.loginResponse.length);
      expect(there.answer.loginUid.length).toBe(absent.answer.loginUid.length);
    },
  );

  test('the refusal is the same, to the letter', async () => {
    const refusal = async (email: string) => {
      const { answer } = await start(email);
      const device = { deviceUid: new Uint8Array(16), publicKey: attacker.device.publicKey, name: '' };
      const call = attacker.call(finishLogin, { loginUid: answer.loginUid, loginFinish: 'AAAA', device });
      return await call.catch(({ code, message }: { code: string; message: string }) => ({ code, message }));
    };
    expect(await refusal(known)).toEqual(await refusal(unknown));
  });

  test('the time it takes does not tell either', async () => {
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
    const look = async () => {
      const times = { known: [] as number[], unknown: [] as number[] };
      for (let i = 0; i < 60; i++) {
        times.known.push((await start(known)).ms);
        times.unknown.push((await start(unknown)).ms);
      }
      const [there, absent] = [median(times.known), median(times.unknown)];
      console.log(
        `median of a login's first half: ${there.toFixed(2)} ms known, ${absent.toFixed(2)} ms unknown`,
      );
      // The noise of a busy machine is wider than any difference that was ever seen.
      return Math.abs(there - absent) < Math.max(there, absent) * 0.35 + 1;
    };
    // What an account makes longer is longer every time; what the machine does beside is not.
    expect((await look()) || (await look()) || (await look())).toBe(true);
  });
});

describe('throttle', () => {
  const slow = { burst: 4, perSecond: 0.01 };
  const wide = { burst: 10_000, perSecond: 10_000 };
  const refused = { code: 'too-many-requests' };

  const guess = (client: ApiClient, email: string) =>
    client.call(startLogin, { email, factor: LoginFactor.PASSWORD, loginRequest: loginRequest() });

  /** How many guesses got through before the first refusal. */
  const guessesUntilRefused = async (client: ApiClient, email: (i: number) => string) => {
    for (let i = 0; i < 50; i++)
      try {
        await guess(client, email(i));
      } catch (error) {
        expect(error).toMatchObject(refused);
        return i;
      }
    return Infinity;
  };

  test('an account is guarded the same whether it exists, however it is spelt, and from wherever it is asked', async () => {
    const server = await startTestServer({}, { rates: { login: { perAccount: slow, perAddress: wide } } });
    try {
      const client = await ApiClient.connect(server.url);
      await client.register(known, 'correct horse battery');
      const left = await guessesUntilRefused(client, (i) => (i % 2 ? known : ` ${known.toUpperCase()} `));
      expect(left).toBe(slow.burst - 1); // the registration counted too
      expect(await guessesUntilRefused(client, () => unknown)).toBe(slow.burst);
      const elsewhere = await ApiClient.connect(server.url);
      await expect(guess(elsewhere, known)).rejects.toMatchObject(refused);
      const real = ApiClient.connect(server.url).then((own) => own.login(known, 'correct horse battery'));
      await expect(real).rejects.toMatchObject(refused);
    } finally {
      await server.close();
    }
  });

  test('one address cannot spray a password over many accounts, nor pretend to be many addresses', async () => {
    const server = await startTestServer({}, { rates: { login: { perAccount: wide, perAddress: slow } } });
    try {
      const client = await ApiClient.connect(server.url);
      expect(await guessesUntilRefused(client, (i) => `person${i}@example.test`)).toBe(slow.burst);
      const sealed = await client.seal(startLogin, {
        email: known,
        factor: LoginFactor.PASSWORD,
        loginRequest: loginRequest(),
      });
      const headers = { 'content-type': 'application/octet-stream', 'x-forwarded-for': '192.0.2.7' };
      const spoofed = await fetch(server.url + sealed.path, { method: 'POST', headers, body: sealed.body });
      await expect(client.open(startLogin, sealed, spoofed)).rejects.toMatchObject(refused);
    } finally {
      await server.close();
    }
  });

  test('a person who signs in often is not throttled', async () => {
    const server = await startTestServer({}, { rates: { login: { perAccount: slow, perAddress: slow } } });
    try {
      const client = await ApiClient.connect(server.url);
      await client.register(known, 'correct horse battery');
      for (let i = 0; i < 8; i++) await client.login(known, 'correct horse battery');
    } finally {
      await server.close();
    }
  });

  test('with sign-up open, one network cannot ask for many addresses', async () => {
    const server = await startTestServer({}, { rates: { signUps: slow } });
    try {
      const client = await ApiClient.connect(server.url);
      const ask = (i: number) => client.call(startRegistration, registrationOf(`person${i}@example.test`));
      for (let i = 0; i < slow.burst; i++) await ask(i);
      await expect(ask(slow.burst)).rejects.toMatchObject(refused);
      await expect(client.call(startRegistration, registrationOf(known))).rejects.toMatchObject(refused);
    } finally {
      await server.close();
    }
  });

  test('a flood of calls from one address is stopped before anything is opened', async () => {
    const server = await startTestServer({}, { rates: { api: slow } });
    try {
      const statuses = [];
      for (let i = 0; i < 6; i++) statuses.push((await fetch(`${server.url}/api/v1/server-keys`)).status);
      expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
      const response = await fetch(`${server.url}/api/v1/server-keys`);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(1);
      expect(await response.json()).toMatchObject(refused);
    } finally {
      await server.close();
    }
  });

  test('with sign-up closed, registration tells nothing about accounts', async () => {
    const server = await startTestServer({ openSignUp: false });
    try {
      const owner = await ApiClient.connect(server.url);
      await owner.register(known, 'correct horse battery', server.setupToken ?? '');
      const attacker = await ApiClient.connect(server.url);
      const answers = await Promise.all(
        [known, unknown].map((email) =>
          attacker.register(email, 'correct horse battery').catch(({ code, message }) => ({ code, message })),
        ),
      );
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ code: 'not-allowed' });
    } finally {
      await server.close();
    }
  });

  test('an invitation opens its own address and tells of no other, taken or free', async () => {
    const server = await startTestServer({ openSignUp: false });
    try {
      const owner = await ApiClient.connect(server.url);
      await owner.register(known, 'correct horse battery', server.setupToken ?? '');
      const [invitationUid, invitationToken] = [uidBytes(newUid()), randomBytes(32)];
      await owner.call(OrganisationService.method.createInvitation, {
        ...{ invitationUid, email: 'guest@example.test', tokenHash: sha256(invitationToken) },
        ...{ sealedSecret: randomBytes(120), expiresAtMs: BigInt(Date.now() + 86_400_000) },
      });
      const guest = await ApiClient.connect(server.url);
      const answer = (email: string, with_: object = { invitationUid, invitationToken }) =>
        guest.call(startRegistration, { ...registrationOf(email), ...with_ }).then(
          ({ passwordResponse }) => ({ bytes: passwordResponse.length }),
          ({ code, message }) => ({ code, message }),
        );
      expect(await answer(known)).toEqual(await answer(unknown));
      expect(await answer(known)).toMatchObject({ code: 'not-allowed' });
      const forged = { invitationUid, invitationToken: randomBytes(32) };
      expect(await answer(known, forged)).toEqual(await answer('guest@example.test', forged));
      expect(await answer('guest@example.test')).toMatchObject({ bytes: expect.any(Number) });
    } finally {
      await server.close();
    }
  });
});
