import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { decodeFrame, encodeFrame, type Frame, type PlacedFrame } from '../../protocol/channel/frame.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { encodeInstruction } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import { runVectors } from './cases.ts';
import frames from './frames.json' with { type: 'json' };
import guacamole from './guacamole.json' with { type: 'json' };

runVectors<{ message: string; frame: object }>('frame', frames, ({ message, frame }) => {
  const decoded = decodeFrame(parseHex(message));
  expect(shown(decoded)).toEqual(frame);
  expect(encodeHex(encodeFrame(decoded))).toBe(message);
});

function shown(frame: Frame): object {
  switch (frame.kind) {
    case 'open':
      return { ...whose(frame), streamToken: encodeHex(frame.open.streamToken) };
    case 'data':
      return { ...frame, data: encodeHex(frame.data) };
    case 'control':
      return { ...whose(frame), control: shownControl(frame.control.body) };
    case 'ping':
    case 'pong':
      return { ...frame, token: encodeHex(frame.token) };
    case 'credit':
    case 'end':
    case 'reset':
    case 'received':
    case 'resumed':
    case 'bye':
      return frame;
  }
}

function whose({ kind, stream, place }: PlacedFrame): object {
  return { kind, stream, place };
}

function shownControl(body: { readonly case: string | undefined; readonly value?: unknown }): object {
  return body.case === undefined ? {} : { case: body.case, value: body.value };
}

interface Stream {
  readonly stream: string;
  readonly instructions: readonly (readonly string[])[];
}

runVectors<Stream>('Guacamole stream', guacamole, ({ stream, instructions }) => {
  const decoded = decodeAll([parseHex(stream)]);
  expect(decoded).toEqual(instructions);
  const [opcode = '', ...args] = decoded[0] ?? [];
  if (decoded.length === 1) expect(encodeHex(utf8(encodeInstruction(opcode, ...args)))).toBe(stream);
});

runVectors<Stream>('Guacamole stream byte by byte', guacamole, ({ stream, instructions }) => {
  expect(decodeAll(Array.from(parseHex(stream), (byte) => Uint8Array.of(byte)))).toEqual(instructions);
});

function decodeAll(chunks: readonly Uint8Array[]): string[][] {
  const decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  const all = chunks.flatMap((chunk) => decoder.decode(chunk));
  decoder.end();
  return all.map(({ opcode, args }) => [opcode, ...args]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
