import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { idleMs } from './secrets-bounds.ts';

/** How often it is looked whether something moved. */
const lookMs = idleMs / 4;

/**
 * Until the request is answered: a connection on which no byte was read and none was taken for writing for `idleMs`, seen by looks every
 * quarter of that, is cut off. Who writes in pieces says by these how slow a reader may be.
 */
export function cutWhenIdle({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply, clock: Clock): void {
  let moved = -1;
  let quietMs = 0;
  let cancel = () => {};
  const look = () => {
    const now = socket.bytesRead + socket.bytesWritten;
    quietMs = now === moved ? quietMs + lookMs : 0;
    moved = now;
    if (quietMs >= idleMs) socket.destroy();
    else cancel = clock.schedule(lookMs, look);
  };
  look();
  // The next request on it is another matter, and how long it may wait for one.
  raw.once('close', () => cancel());
}
