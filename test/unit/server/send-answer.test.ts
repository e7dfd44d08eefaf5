import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer as createHttpServer,
  request as askHttp,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer as createHttpsServer, request as askHttps } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { concat } from '../../../protocol/bytes.ts';
import { sendAnswer } from '../../../server/secrets-manager/send-answer.ts';
import { openBlob, sealBlob, sealedLength } from '../../../server/secrets-manager/wire-crypto.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const key = createSecretKey(randomBytes(32));
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
const files = makeCertificate(folder);
const tls = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
afterAll(() => rmSync(folder, { recursive: true }));
const kinds = ['http', 'https'] as const;

/** A server that answers everybody with that content, sealed; it says how many pieces were asked for, and when it was done. */
async function start(kind: (typeof kinds)[number], parts: readonly Uint8Array[]) {
  const seen = { pieces: 0 };
  const done = Promise.withResolvers<void>();
  const pieces = function* () {
    for (const piece of sealBlob(key, parts)) {
      seen.pieces++;
      yield piece;
    }
  };
  const answer = () => ({ length: sealedLength(parts), pieces: pieces() });
  const listener = (_: unknown, response: Parameters<typeof sendAnswer>[0]) =>
    void sendAnswer(response, answer(), { 'x-content-type-options': 'nosniff' }).then(
      done.resolve,
      done.reject,
    );
  const server = kind === 'http' ? createHttpServer(listener) : createHttpsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async () => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, agent: false as const };
    const sent = kind === 'http' ? askHttp(options) : askHttps(options);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  return { ask, seen, done: done.promise };
}

async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk as Uint8Array);
  return concat(...chunks);
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.each(kinds)('an answer over %s', (kind) => {
  test.each([[0], [1], [32_768 - 28], [32_768 - 27], [65_536], [65_537], [3_000_000]])(
    'of %i bytes arrives as it was sealed',
    async (length) => {
      const content = randomBytes(length);
      const parts = [content.subarray(0, length >> 2), content.subarray(length >> 2)];
      const { ask, done } = await start(kind, parts);
      const response = await ask();
      expect(response.headers).toMatchObject({
        'cache-control': 'no-store',
        'content-length': String(length + 28),
        'content-type': 'application/octet-stream',
        'x-content-type-options': 'nosniff',
      });
      const body = await bodyOf(response);
      await done;
      expect(digestOf(openBlob(key, body))).toBe(digestOf(content));
    },
  );

  test('is sealed no faster than its reader takes it, and whole for many at once', async () => {
    const content = randomBytes(24 * 2 ** 20);
    const { ask, seen, done } = await start(kind, [content]);
    const responses = await Promise.all([ask(), ask(), ask()]);
    const [slow, ...others] = responses;
    for (const response of others)
      expect(digestOf(openBlob(key, await bodyOf(response)))).toBe(digestOf(content));
    // Two whole ones, and of the third what buffers of the system and of TLS hold.
    expect(seen.pieces).toBeLessThan(2 * 386 + 330);
    expect(digestOf(openBlob(key, await bodyOf(slow!)))).toBe(digestOf(content));
    expect(seen.pieces).toBe(3 * 386);
    await done;
  });

  test('whose reader goes away ends', async () => {
    const { ask, seen, done } = await start(kind, [randomBytes(64 * 2 ** 20)]);
    const response = await ask();
    response.destroy();
    await done;
    expect(seen.pieces).toBeLessThan(1000);
  });
});

/** Of one connection: what `count` requests that are sent at once are answered with, in their order. */
async function pipelined(listener: RequestListener, count: number): Promise<Uint8Array> {
  const server = createHttpServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const get = (connection: string) => `GET / HTTP/1.1\r\nhost: a\r\nconnection: ${connection}\r\n\r\n`;
  socket.write(get('keep-alive').repeat(count - 1) + get('close'));
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket) chunks.push(chunk as Uint8Array);
  return concat(...chunks);
}

test('answers to requests that came at once are whole, the last one made first', async () => {
  const contents = [3_000_000, 200_000, 20].map((length) => randomBytes(length));
  const responses: Parameters<typeof sendAnswer>[0][] = [];
  const told = await pipelined((_, response) => {
    responses.push(response);
    if (responses.length < contents.length) return;
    for (const [at, content] of [...contents.entries()].reverse())
      void sendAnswer(
        responses[at]!,
        { length: sealedLength([content]), pieces: sealBlob(key, [content]) },
        {},
      );
  }, contents.length);
  let rest = Buffer.from(told);
  for (const content of contents) {
    const body = rest.indexOf('\r\n\r\n') + 4;
    expect(rest.subarray(0, 15).toString()).toBe('HTTP/1.1 200 OK');
    const end = body + sealedLength([content]);
    expect(digestOf(openBlob(key, rest.subarray(body, end)))).toBe(digestOf(content));
    rest = rest.subarray(end);
  }
  expect(rest).toHaveLength(0);
});

test('a reader that takes nothing any more loses its connection', async () => {
  const done = Promise.withResolvers<void>();
  const content = randomBytes(64 * 2 ** 20);
  const server = createHttpServer((_, response) => {
    const answer = { length: sealedLength([content]), pieces: sealBlob(key, [content]) };
    void sendAnswer(response, answer, {}, 100).then(done.resolve, done.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const sent = askHttp({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await done.promise; // without an end it would not be
  await expect(bodyOf(response)).rejects.toThrow('aborted');
});

test('a piece is its reader’s, to give back before the next is asked for: the nonce, too', () => {
  const content = randomBytes(100_000);
  const sealed: Uint8Array[] = [];
  for (const piece of sealBlob(key, [content])) {
    sealed.push(Uint8Array.from(piece));
    piece.fill(0);
    (piece.buffer as ArrayBuffer).transfer(0);
  }
  expect(digestOf(openBlob(key, concat(...sealed)))).toBe(digestOf(content));
});

test('of an answer without content there is no body', async () => {
  const done = Promise.withResolvers<void>();
  const server = createHttpServer((_, response) => {
    void sendAnswer(response, { length: 0, pieces: [] }, {}).then(done.resolve, done.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const sent = askHttp({ port, host: '127.0.0.1', agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  expect(response.headers['content-length']).toBe('0');
  expect(await bodyOf(response)).toHaveLength(0);
  await done.promise;
});
