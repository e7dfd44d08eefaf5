import * as Guacamole from '@glokon/guacamole-common-js';
import { describe, expect, test } from 'vitest';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { createTunnel } from '../../../web/session/guacamole-tunnel.ts';

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

function connected() {
  const stream = new FakeStream();
  const tunnel = createTunnel(stream);
  const heard: [string, string[]][] = [];
  tunnel.oninstruction = (opcode, parameters) => heard.push([opcode, [...parameters]]);
  tunnel.connect('');
  return { stream, tunnel, heard };
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

  test('what is no Guacamole throws, so that the stream is reset', () => {
    const { stream } = connected();
    expect(() => stream.onData?.(new TextEncoder().encode('not guacamole'))).toThrow(
      expect.objectContaining({ name: 'guacamole-malformed' }),
    );
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

  test('a stream that never drains is reset before the page runs out of memory', () => {
    const { stream, tunnel } = connected();
    stream.room = false;
    for (let i = 0; i < 400 && stream.resetWith === null; i++)
      tunnel.sendMessage('blob', 0, 'x'.repeat(6_000));
    expect(stream.resetWith).toBe('limit-reached');
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
