// Attack class 19: filling the server's memory with requests before anybody knows who sends them.
import { request, type ClientRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { HandClock } from '../fakes/hand-clock.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const mib = 1024 * 1024;
const room = {
  small: { ofAll: 2 * mib, ofNetwork: mib },
  large: { ofAll: 12 * mib, ofNetwork: 8 * mib },
};
const signedInMethod = '/api/v1/RecordService/PutRecords';

describe('bodies before sign-in', () => {
  let server: TestServer;
  let senders: ClientRequest[] = [];
  let clock: HandClock;
  beforeEach(async () => {
    clock = new HandClock(); // what a former server has yet to forget is none of this one's
    server = await startTestServer({ trustedProxies: ['127.0.0.1'] }, { bodies: room, clock });
  });
  afterEach(async () => {
    stopSending();
    await server.close();
  });

  /** Says how much it will send, and does not: the answer that comes nevertheless. */
  function begin(path: string, from: string, length: number): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': length,
        'x-forwarded-for': from,
      };
      const sender = request(server.url + path, { method: 'POST', headers }, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sender.on('error', () => undefined); // cut off, at the end
      senders.push(sender);
      sender.flushHeaders();
    });
  }

  function stopSending(): void {
    for (const sender of senders) sender.destroy();
    senders = [];
  }

  /** The answers to those that were refused, as soon as there are so many. */
  const refusals = async (count: number, answers: readonly ReturnType<typeof begin>[]) => {
    const refused: { status: number; code: unknown }[] = [];
    await new Promise<void>((resolve) => {
      for (const answer of answers)
        void answer.then(({ status, body }) => {
          const { code }: { code?: unknown } = JSON.parse(body);
          if (refused.push({ status, code }) === count) resolve();
        });
    });
    return refused;
  };

  const post = async (path: string, length: number) => {
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers,
      body: new Uint8Array(length),
    });
    const { code }: { code?: unknown } = JSON.parse(await response.text());
    return { status: response.status, code };
  };

  test('what anyone may call takes 64 KiB', async () => {
    for (const method of [
      'AccountService/FinishRegistration',
      'AccountService/StartLogin',
      'RecoveryService/RequestRecovery',
      'ShareLinkService/OpenShareLink',
    ]) {
      const path = `/api/v1/${method}`;
      expect(await post(path, limits.openBody + 1)).toEqual({ status: 413, code: 'too-large' });
      expect(await post(path, limits.openBody)).not.toMatchObject({ code: 'too-large' });
    }
    expect(await post(signedInMethod, limits.openBody + 1)).not.toMatchObject({ code: 'too-large' });
  });

  test.each([signedInMethod, '/api/rest/sm/v1/get_secret'])(
    'one network has so much under way and no more, and others get on: %s',
    async (path) => {
      const answers = Array.from({ length: 5 }, () => begin(path, '192.0.2.1', 4 * mib));
      const refused = await refusals(3, answers);
      for (const { status } of refused) expect([403, 429]).toContain(status);
      // A small request, and a large one of somebody else.
      const person = await ApiClient.connect(server.url);
      await person.register('person@example.test', 'correct horse battery');
      expect(await post(signedInMethod, 4 * mib)).not.toMatchObject({ status: 429 });
    },
  );

  test('who never sends the rest is cut off, also after an answer: an empty connection is not held either', async () => {
    const paths = ['/api/v1/server-keys', signedInMethod, '/api/rest/sm/v1/get_secret', '/', '/nowhere'];
    const timers = clock.timers;
    for (let i = 0; i < 40; i++) void begin(paths[i % paths.length] ?? '', `192.0.2.${i % 8}`, mib / 4);
    const closed = senders.map((sender) => new Promise((resolve) => sender.on('close', resolve)));
    await expect.poll(() => clock.timers).toBe(timers + senders.length);
    clock.advance(30_000);
    await Promise.all(closed);
    // The server may hear of it after those whom it cut off.
    await expect.poll(() => clock.timers).toBe(timers);
  });

  test('all together have so much under way and no more, and who is cut off gives it back', async () => {
    const from = (i: number) => `192.0.2.${i}`;
    const answers = Array.from({ length: 5 }, (_, i) => begin(signedInMethod, from(i), 4 * mib));
    const refused = await refusals(2, answers);
    expect(refused).toEqual([
      { status: 503, code: 'unavailable' },
      { status: 503, code: 'unavailable' },
    ]);
    await (await ApiClient.connect(server.url)).register('person@example.test', 'correct horse battery');
    stopSending();
    await vi.waitFor(async () =>
      expect(await post(signedInMethod, 4 * mib)).not.toMatchObject({ status: 503 }),
    );
  });
});
