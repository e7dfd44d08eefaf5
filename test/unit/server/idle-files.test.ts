// The minute after which a connection is cut off on which a file goes nowhere: by a clock that the test moves.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import Fastify from 'fastify';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { newUid } from '../../../protocol/uid.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { addFileRoutes, type FileRouteParts } from '../../../server/secrets-manager/file-routes.ts';
import { idleMs } from '../../../server/secrets-manager/secrets-bounds.ts';
import { HandClock } from '../../fakes/hand-clock.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const mebibyte = limits.secrets.fileChunk;
const path = '/api/rest/sm/files/ticket';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
const files = makeCertificate(folder);
const https = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
afterAll(() => rmSync(folder, { recursive: true }));

let close: (() => Promise<unknown>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

/** The routes before a file of that size, whoever asks; and a connection to them. */
async function start(kind: 'http' | 'https', size: number) {
  const clock = new HandClock();
  const got = { bytes: 0, changed: () => {} };
  const parts = {
    addresses: {
      admitReader: async () => ({
        name: { accountUid: newUid(), fileUid: new Uint8Array(16), added: false },
        row: { size },
      }),
      admitSender: async () => ({ row: { size, finished: false } }),
    },
    uploads: {
      receive: async (_file: unknown, bytes: AsyncIterable<Uint8Array>) => {
        for await (const piece of bytes) {
          got.bytes += piece.length;
          got.changed();
        }
      },
    },
    blobs: { get: async () => Buffer.alloc(mebibyte) },
    ...{ clock, rate: { burst: 10, perSecond: 1 }, log: createLogger('error') },
  };
  const app = Fastify(kind === 'https' ? ({ https } as object) : {});
  const asked = Promise.withResolvers<{ readonly response: ServerResponse; readonly peer: Socket }>();
  app.addHook('onRequest', async ({ raw }, reply) =>
    asked.resolve({ response: reply.raw, peer: raw.socket }),
  );
  addFileRoutes(app, parts as unknown as FileRouteParts);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
  const socket: Socket = kind === 'https' ? connectTls(options) : connect(options);
  socket.on('error', () => undefined); // cut off
  await once(socket, kind === 'https' ? 'secureConnect' : 'connect');
  close = async () => {
    socket.destroy();
    await app.close();
  };
  const received = (bytes: number) =>
    new Promise<void>((resolve) => {
      got.changed = () => void (got.bytes >= bytes && resolve());
      got.changed();
    });
  return { clock, socket, asked: asked.promise, received };
}

/** The head of a form and nothing of its file yet. */
function beginUpload(socket: Socket, size: number): void {
  const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n';
  const length = head.length + size + '\r\n--b--\r\n'.length;
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\n` +
      `content-length: ${length}\r\n\r\n${head}`,
  );
}

describe.each(['http', 'https'] as const)('over %s', (kind) => {
  test('who sends nothing more of a file for a minute is cut off, and not before', async () => {
    const { clock, socket, asked, received } = await start(kind, 1_000);
    const closed = once(socket, 'close');
    beginUpload(socket, 1_000);
    const { peer } = await asked;
    socket.write('x'.repeat(100));
    await received(100);
    clock.advance(idleMs / 4); // this look sees it
    clock.advance(idleMs - 1);
    expect(peer.destroyed).toBe(false);
    clock.advance(1);
    expect(peer.destroyed).toBe(true);
    await closed;
    expect(clock.timers).toBe(0);
  });

  test('who sends a byte within each minute is not', async () => {
    const { clock, socket, asked, received } = await start(kind, 20);
    beginUpload(socket, 20);
    await asked;
    const answer = once(socket, 'data');
    for (let sent = 1; sent < 20; sent++) {
      socket.write('x');
      await received(sent);
      clock.advance(idleMs - 1);
    }
    socket.write('x\r\n--b--\r\n');
    expect(String(await answer)).toContain('201');
    expect(clock.timers).toBe(0);
  });

  test('who takes nothing more of a file is cut off', async () => {
    const { clock, socket, asked } = await start(kind, 128 * mebibyte);
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    const { response, peer } = await asked;
    const closed = once(response, 'close');
    // What buffers of the system hold is taken at first, however long that takes here.
    await expect
      .poll(() => {
        clock.advance(idleMs / 4);
        return peer.destroyed;
      })
      .toBe(true);
    await closed;
    expect(clock.timers).toBe(0);
  });

  test('who takes a file slowly gets all of it', async () => {
    const size = 64 * mebibyte;
    const { clock, socket, asked } = await start(kind, size);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    await asked;
    let [taken, next] = [0, 0];
    for await (const piece of socket as AsyncIterable<Uint8Array>) {
      taken += piece.length;
      if (taken < next) continue;
      next += 16 * mebibyte; // more than the system has of it
      clock.advance(idleMs - 1);
    }
    expect(taken).toBeGreaterThan(size);
  });
});
