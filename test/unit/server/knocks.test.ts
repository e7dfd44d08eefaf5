import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { Knocks } from '../../../server/router/worker/knocks.ts';

/** As a real one, it says that it is closed after it was ended, and not at once. */
class Knocking extends EventEmitter {
  ends = 0;

  terminate(): void {
    this.ends++;
    setImmediate(() => this.emit('close'));
  }
}

const many = (count: number) => Array.from({ length: count }, () => new Knocking());

test('however many come in one turn, only so many wait: each that comes ends the oldest that is left', () => {
  const knocks = new Knocks(60_000, () => expect.unreachable());
  const sockets = many(300);
  for (const socket of sockets) knocks.take(socket as unknown as WebSocket);
  expect(knocks.size).toBe(256);
  expect(sockets.map(({ ends }) => ends)).toEqual(sockets.map((_, i) => (i < 44 ? 1 : 0)));
  knocks.close();
});
