// An answer of the secrets-manager API on its way: sealed piece by piece, as fast as its reader takes it.
import type { ServerResponse } from 'node:http';
import { idleMs } from './secrets-bounds.ts';
import type { SealedAnswer } from './wire-request.ts';

/** An answer of so many bytes is one piece of memory, and one call of the system. */
const small = 32 * 1024;

/**
 * Past the framework, whose hooks and copies cost more than some answers. Never throws: a reader that is gone, or takes nothing for
 * `mostIdleMs`, gets no more.
 */
export async function sendAnswer(
  response: ServerResponse,
  { length, pieces }: SealedAnswer,
  headers: Readonly<Record<string, string>>,
  mostIdleMs = idleMs,
): Promise<void> {
  response.writeHead(200, {
    ...headers,
    'content-type': 'application/octet-stream',
    'content-length': length,
    'cache-control': 'no-store',
  });
  if (length <= small) return sendWhole(response, Buffer.concat([...pieces], length), mostIdleMs);
  dropWhenIdle(response, mostIdleMs);
  await sendPieces(response, pieces);
}

/** Of most answers nothing is left to wait for: the system has taken them. */
function sendWhole(response: ServerResponse, answer: Buffer, mostIdleMs: number): void {
  response.end(answer);
  if (response.writableLength > 0) dropWhenIdle(response, mostIdleMs);
}

/** Until the next request on its connection, for which the server sets its own. */
function dropWhenIdle(response: ServerResponse, mostIdleMs: number): void {
  response.setTimeout(mostIdleMs, () => response.destroy());
}

/** A slow reader holds what its answer is made of, and one sealed piece: not all of it a second time. */
async function sendPieces(response: ServerResponse, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece, () => release(piece))) await drained(response);
  }
  response.end();
}

/**
 * What was written is needed by nobody. The collector of garbage sees no more of it than an object of some bytes: left to it, a
 * thousand records that are read take it as long as their cryptography.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Or its reader is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
