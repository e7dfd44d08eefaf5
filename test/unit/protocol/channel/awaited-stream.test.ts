import { expect, test } from 'vitest';
import { AwaitedStream } from '../../../../protocol/channel/awaited-stream.ts';
import type { Stream } from '../../../../protocol/channel/multiplexer.ts';

/** A stream by hand: what it was told, and the callbacks to call. */
function madeStream(room = true) {
  const told: string[] = [];
  const stream: Stream = {
    ...{ id: 1, queued: 0, open: true },
    ...{ onData: null, onControl: null, onDrain: null, onEnd: null, onReset: null },
    write: (bytes) => (told.push(`write ${bytes.length}`), room),
    control: () => {},
    consumed: (bytes) => void told.push(`consumed ${bytes}`),
    end: () => void told.push('end'),
    reset: (code) => void told.push(`reset ${code}`),
  };
  return { stream, told };
}

const gone = (code: string) => new Error(`gone: ${code}`);
const settled = async (promise: Promise<unknown>) =>
  await Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve, false))]);

test('what came is read in its order, then null, however often', async () => {
  const { stream } = madeStream();
  const awaited = new AwaitedStream(stream, { onReset: gone });
  const first = awaited.read();
  stream.onData?.(Uint8Array.of(1));
  stream.onData?.(Uint8Array.of(2, 3));
  stream.onEnd?.();
  expect(await first).toEqual(Uint8Array.of(1));
  expect(await awaited.read()).toEqual(Uint8Array.of(2, 3));
  expect([await awaited.read(), await awaited.read()]).toEqual([null, null]);
  expect(awaited.ended).toBe(true);
});

test('a writer waits for room, and for nothing else', async () => {
  const { stream, told } = madeStream(false);
  let moved = 0;
  const awaited = new AwaitedStream(stream, { onMoved: () => (moved += 1), onReset: gone });
  const written = awaited.write(new Uint8Array(5));
  stream.onData?.(Uint8Array.of(1));
  stream.onEnd?.();
  expect(await settled(written)).toBe(false);
  stream.onDrain?.();
  expect(await settled(written)).toBe(true);
  expect([told, moved]).toEqual([['write 5'], 2]);
});

test('a reset reaches the reader and the writer that wait, and drops what was not read', async () => {
  const { stream } = madeStream(false);
  const awaited = new AwaitedStream(stream, { onReset: gone });
  stream.onData?.(Uint8Array.of(1));
  await awaited.read();
  const both = [awaited.read(), awaited.write(new Uint8Array(1))].map((one) => one.catch(String));
  stream.onReset?.('withdrawn');
  expect(await Promise.all(both)).toEqual(['Error: gone: withdrawn', 'Error: gone: withdrawn']);
  stream.onData?.(Uint8Array.of(9));
  await expect(awaited.read()).rejects.toThrow('gone: withdrawn');
});

test('the latest failure is the one that is thrown', async () => {
  const { stream } = madeStream();
  const awaited = new AwaitedStream(stream, { onReset: gone });
  awaited.fail(new Error('the disk is full'));
  await expect(awaited.write(new Uint8Array(1))).rejects.toThrow('the disk is full');
  stream.onReset?.('unavailable');
  await expect(awaited.read()).rejects.toThrow('gone: unavailable');
});
