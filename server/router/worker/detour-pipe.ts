import type { RawData, WebSocket } from 'ws';
import { limits } from '../../../protocol/limits.ts';

/**
 * Bytes that may wait for one half of a detour before the other is not read any more, and again when so few are left. What
 * the halves' own sockets hold comes on top, so this only has to keep a fast half busy.
 */
const highWater = 256 * 1024;
const lowWater = 64 * 1024;
/** What keeping a message costs beside its bytes, roughly: so that many small ones are bounded too. */
const keepingCost = 256;

/**
 * Hands every message of one half to the other, in order and as it is, and reads no faster than the other takes. `refuse` is
 * called for what no detour sends. Returns when the first half was heard last, and the bytes that wait.
 */
export function pipeDetour(
  from: WebSocket,
  to: WebSocket,
  refuse: () => void,
): { readonly heardAt: () => number; readonly waiting: () => number } {
  let waiting = 0;
  let heardAt = performance.now();
  const sent = (cost: number) => {
    waiting -= cost;
    if (waiting < lowWater && from.isPaused) from.resume();
  };
  from.on('message', (data: RawData, isBinary: boolean) => {
    heardAt = performance.now();
    const length = lengthOf(data);
    if (to.readyState !== to.OPEN) return;
    if (!isBinary || length > limits.detour.message) return refuse();
    const cost = length + keepingCost;
    waiting += cost;
    to.send(data, { binary: true }, () => sent(cost));
    if (waiting >= highWater && !from.isPaused) from.pause();
  });
  return { heardAt: () => heardAt, waiting: () => waiting };
}

export function lengthOf(data: RawData): number {
  if (!Array.isArray(data)) return data.byteLength;
  return data.reduce((sum, part) => sum + part.length, 0);
}
