import * as Guacamole from '@glokon/guacamole-common-js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { createTunnel, failStream } from '../../../web/session/screen/guacamole-tunnel.ts';
import { PictureIntake } from '../../../web/session/picture/picture-intake.ts';

class FakeStream implements Stream {
  readonly id = 1;
  readonly queued = 0;
  open = true;
  room = true;
  ended = false;
  resetWith: string | null = null;
  consumedBytes = 0;
  written = '';
  onData: Stream['onData'] = null;
  onControl: Stream['onControl'] = null;
  onDrain: Stream['onDrain'] = null;
  onEnd: Stream['onEnd'] = null;
  onReset: Stream['onReset'] = null;
  write(bytes: Uint8Array): boolean {
    this.written += new TextDecoder().decode(bytes);
    return this.room;
  }
  control(): void {}
  consumed(bytes: number): void {
    this.consumedBytes += bytes;
  }
  end(): void {
    this.ended = true;
  }
  reset(code: string): void {
    this.resetWith = code;
    this.open = false;
  }
}

const drawsAtOnce = {
  flush: (callback: () => void) => callback(),
  drawBlob: () => {},
} as unknown as Guacamole.Display;

const bytesOf = (text: string) => new TextEncoder().encode(text);

function connected() {
  const stream = new FakeStream();
  const heard: [string, string[]][] = [];
  const { tunnel, pace, answers } = createTunnel(stream, () => intake);
  const intake = new PictureIntake(drawsAtOnce, {
    instruction: (opcode, parameters) => heard.push([opcode, [...parameters]]),
    consumed: (bytes) => stream.consumed(bytes),
    failed: (code) => failStream(stream, code),
  });
  tunnel.connect('');
  return { stream, tunnel, pace, answers, heard };
}

describe('a tunnel over one stream', () => {
  test('hands on instructions, whatever the frames cut', () => {
    const { stream, heard } = connected();
    const bytes = encodeInstructionBytes('name', 'Grüße ✓ 🏰');
    for (const byte of bytes) stream.onData?.(Uint8Array.of(byte));
    expect(heard).toEqual([['name', ['Grüße ✓ 🏰']]]);
    expect(stream.consumedBytes).toBe(bytes.length);
  });

  test('credit is given back only for what was handed on', () => {
    const { stream } = connected();
    stream.onData?.(encodeInstructionBytes('sync', 1));
    expect(stream.consumedBytes).toBeGreaterThan(0);
  });

  test('what is no Guacamole resets the stream, whose owner hears of it', () => {
    const { stream } = connected();
    const heard = vi.fn();
    stream.onReset = heard;
    stream.onData?.(bytesOf('not guacamole'));
    expect(stream.resetWith).toBe('guacamole-malformed');
    expect(heard.mock.calls).toEqual([['guacamole-malformed']]);
  });

  test('of frames that came together one is drawn, and nothing else of them is left out', () => {
    const { stream, heard } = connected();
    stream.onData?.(bytesOf('4.name,1.a;4.sync,1.1;4.name,1.b;4.sync,1.2;4.name,1.c;'));
    expect(heard.map(([opcode, [first]]) => [opcode, first])).toEqual([
      ['name', 'a'],
      ['name', 'b'],
      ['sync', '2'],
      ['name', 'c'],
    ]);
  });

  test('messages wait in order while the stream has no room', () => {
    const { stream, tunnel } = connected();
    stream.room = false;
    tunnel.sendMessage('key', 97, 1);
    tunnel.sendMessage('key', 98, 1);
    tunnel.sendMessage('key', 99, 1);
    expect(stream.written).toBe('3.key,2.97,1.1;');
    stream.room = true;
    stream.onDrain?.();
    expect(stream.written).toBe('3.key,2.97,1.1;3.key,2.98,1.1;3.key,2.99,1.1;');
  });

  test('a frame is answered as it comes, once, and not when it is drawn', () => {
    const { stream, tunnel, answers } = connected();
    answers.taken(1);
    tunnel.sendMessage('sync', 1);
    expect(stream.written).toBe('4.sync,1.1;');
  });

  test('a stream that never drains is reset before the page runs out of memory', () => {
    const { stream, tunnel } = connected();
    stream.room = false;
    for (let i = 0; i < 400 && stream.resetWith === null; i++)
      tunnel.sendMessage('blob', 0, 'x'.repeat(6_000));
    expect(stream.resetWith).toBe('gateway-deaf');
  });

  test('closing says so and ends the stream', () => {
    const { stream, tunnel } = connected();
    const states: number[] = [];
    tunnel.onstatechange = (state) => states.push(state);
    tunnel.disconnect();
    expect(stream.ended).toBe(true);
    expect(states).toEqual([Guacamole.Tunnel.State.CLOSED]);
    tunnel.sendMessage('nop');
    expect(stream.written).toBe('');
  });
});

describe('a session that nobody sees', () => {
  afterEach(() => vi.useRealTimers());

  function unseen() {
    vi.useFakeTimers();
    const parts = connected();
    parts.pace.attention = 'unseen';
    return parts;
  }

  test('is drawn twice a second, whole, and gives its credit back then', () => {
    const { stream, heard } = unseen();
    const [first, second] = [bytesOf('4.name,1.a;4.sy'), bytesOf('nc,1.1;4.name,1.b;4.sync,1.2;')];
    stream.onData?.(first);
    vi.advanceTimersByTime(499);
    stream.onData?.(second);
    expect([heard, stream.consumedBytes]).toEqual([[], 0]);
    vi.advanceTimersByTime(1);
    expect(heard).toEqual([
      ['name', ['a']],
      ['name', ['b']],
      ['sync', ['2']],
    ]);
    expect(stream.consumedBytes).toBe(first.length + second.length);
  });

  test('is right as soon as it is seen', () => {
    const { stream, pace, heard } = unseen();
    stream.onData?.(bytesOf('4.name,1.a;4.sync,1.1;'));
    pace.attention = 'beside';
    expect(heard).toHaveLength(2);
    stream.onData?.(bytesOf('4.name,1.b;'));
    expect(heard).toHaveLength(3);
  });

  test('is reset by what is no Guacamole, whenever that is drawn', () => {
    const { stream } = unseen();
    const heard = vi.fn();
    stream.onReset = heard;
    stream.onData?.(bytesOf('not guacamole'));
    expect(stream.resetWith).toBeNull();
    vi.advanceTimersByTime(500);
    expect([stream.resetWith, heard.mock.calls]).toEqual(['guacamole-malformed', [['guacamole-malformed']]]);
  });

  test('is heard without a pause once it makes sounds', () => {
    const { stream, pace, heard } = unseen();
    pace.hurry();
    stream.onData?.(bytesOf('4.name,1.a;'));
    expect(heard).toEqual([['name', ['a']]]);
  });

  test('draws its last words after its end', () => {
    const { stream, heard } = unseen();
    stream.onData?.(bytesOf('4.name,1.a;'));
    stream.open = false;
    vi.advanceTimersByTime(500);
    expect(heard).toEqual([['name', ['a']]]);
  });
});
