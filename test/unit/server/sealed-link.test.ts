import { EventEmitter, once } from 'node:events';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { openLink } from '../../../protocol/transmission/link-channel.ts';
import { SealedLink } from '../../../server/router/worker/sealed-link.ts';

/** The server's end of a socket whose other end takes everything. */
class FakeSocket extends EventEmitter {
  readonly bufferedAmount = 0;
  readonly isPaused = false;
  send(): void {
    this.emit('sent');
  }
  close(): void {
    this.emit('close');
  }
  terminate(): void {
    this.emit('close');
  }
}

test('a frame that cannot be sealed costs its link, and nothing else', async () => {
  const socket = new FakeSocket();
  const serverKey = { id: 20, ...generateEcdhKeyPair() };
  const errors: unknown[] = [];
  const user = {
    opened: () => link.send(new Uint8Array(16)),
    received: () => Promise.resolve(),
    closed: () => Promise.resolve(),
    encodeClosing: () => new Uint8Array(1),
    codeOf: (error: unknown) => {
      errors.push(error);
      return 'internal' as const;
    },
  };
  const link = new SealedLink(socket as unknown as WebSocket, () => [serverKey], user);
  const sent = once(socket, 'sent');
  socket.emit('message', Buffer.from((await openLink(serverKey)).opening), true);
  await sent;
  link.send(new Uint8Array(limits.linkFrame + 1)); // as from a timer or another link: nobody would catch it
  await link.ended;
  expect(errors).toEqual([new ProtocolError('too-large')]);
});
