import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { StreamControlSchema, StreamOpenSchema } from '../../../protocol/messages/gen/session_pb.js';
import { limits } from '../../../protocol/limits.ts';
import { concat, hex, seed, uint32, utf8 } from './independent.ts';

function frame(type: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concat(Uint8Array.of(type), uint32(stream), payload);
}

function count(high: number, low: number): Uint8Array {
  return concat(uint32(high), uint32(low));
}

/** Which frame of its stream it is, and how many before it must be there first. */
interface Place {
  readonly number: number;
  readonly back: number;
}

const at = (number: number, back: number): Place => ({ number, back });

/** A frame of a stream: with its place, of 6 and 4 bytes. */
function placed(
  type: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
  { number, back }: Place = at(0, 0),
): Uint8Array {
  const high = Math.floor(number / 2 ** 32);
  const place = concat(Uint8Array.of(high >> 8, high & 0xff), uint32(number % 2 ** 32), uint32(back));
  return frame(type, stream, concat(place, payload));
}

export function frames(): object[] {
  const token = seed('stream token', 16);
  const open = encodeMessage(StreamOpenSchema, { streamToken: token });
  const control = encodeMessage(StreamControlSchema, { body: { case: 'targetRttUs', value: 1234 } });
  const ofStreams: readonly (readonly [string, number, number, Uint8Array, Place, object])[] = [
    ['OPEN', 1, 1, open, at(0, 0), { kind: 'open', stream: 1, streamToken: hex(token) }],
    ['DATA of one byte', 2, 7, Uint8Array.of(0), at(0, 0), { kind: 'data', stream: 7, data: '00' }],
    [
      ...(['DATA on the last stream', 2, 0xffffffff, utf8('x'), at(2 ** 48 - 1, 0xffffffff)] as const),
      { kind: 'data', stream: 4294967295, data: '78' },
    ],
    ['CREDIT of one byte', 3, 1, uint32(1), at(1, 1), { kind: 'credit', stream: 1, bytes: 1 }],
    [
      ...(['CREDIT of the most', 3, 1, uint32(limits.maxCredit), at(65536, 0)] as const),
      { kind: 'credit', stream: 1, bytes: limits.maxCredit },
    ],
    ['END', 4, 258, new Uint8Array(0), at(258, 257), { kind: 'end', stream: 258 }],
    [
      ...(['RESET', 5, 1, utf8('limit-reached'), at(2 ** 32, 0xffffffff)] as const),
      { kind: 'reset', stream: 1, code: 'limit-reached' },
    ],
    [
      ...(['RESET with the longest code', 5, 1, utf8('a'.repeat(64)), at(0, 0)] as const),
      { kind: 'reset', stream: 1, code: 'a'.repeat(64) },
    ],
    [
      ...(['CONTROL', 6, 1, control, at(9, 4)] as const),
      { kind: 'control', stream: 1, control: { case: 'targetRttUs', value: 1234 } },
    ],
    [
      ...(['CONTROL of a newer peer', 6, 1, Uint8Array.of(0xf8, 0x07, 0x01), at(0, 0)] as const),
      { kind: 'control', stream: 1, control: {} },
    ],
  ];
  const ofTheChannel: readonly (readonly [string, Uint8Array, object])[] = [
    ['PING', frame(7, 0, seed('ping', 8)), { kind: 'ping', token: hex(seed('ping', 8)) }],
    ['PONG', frame(8, 0, seed('ping', 8)), { kind: 'pong', token: hex(seed('ping', 8)) }],
    [
      'RECEIVED',
      frame(9, 0, concat(count(0, 258), count(0, 0x010203))),
      { kind: 'received', count: 258, bytes: 0x010203 },
    ],
    ['RESUMED', frame(10, 0, count(1, 2)), { kind: 'resumed', count: 2 ** 32 + 2 }],
    ['RESUMED of nothing', frame(10, 0, count(0, 0)), { kind: 'resumed', count: 0 }],
    ['BYE', frame(11, 0, count(0, 7)), { kind: 'bye', count: 7 }],
  ];
  const bad: readonly (readonly [string, Uint8Array, string?])[] = [
    ['nothing', new Uint8Array(0)],
    ['a header cut', Uint8Array.of(4, 0, 0, 0)],
    ['type 0', frame(0, 1)],
    ['type 12', frame(12, 0)],
    ['RECEIVED on a stream', frame(9, 1, concat(count(0, 1), count(0, 1)))],
    ['RECEIVED without a count', frame(9, 0)],
    ['RECEIVED without bytes', frame(9, 0, count(0, 258))],
    ['BYE without a count', frame(11, 0)],
    ['BYE after more than a double counts', frame(11, 0, count(0x200000, 0))],
    ['RESUMED of more than a double counts', frame(10, 0, count(0x200000, 0))],
    ['BYE with a word', frame(11, 0, concat(count(0, 7), utf8('x')))],
    ['type 255', frame(255, 1)],
    ['OPEN of stream 0', placed(1, 0, open)],
    ['OPEN without a token', placed(1, 1)],
    [
      'OPEN with a short token',
      placed(1, 1, encodeMessage(StreamOpenSchema, { streamToken: token.slice(1) })),
    ],
    [
      'OPEN with a long token',
      placed(1, 1, encodeMessage(StreamOpenSchema, { streamToken: seed('long token', 17) })),
    ],
    ['OPEN that is no message', placed(1, 1, Uint8Array.of(0x0a, 0x7f))],
    [
      'OPEN over the limit',
      placed(1, 1, concat(open, Uint8Array.of(0x12), Uint8Array.of(0x81, 0x40), new Uint8Array(8193))),
      'too-large',
    ],
    ['DATA of stream 0', placed(2, 0, utf8('x'))],
    ['DATA without bytes', placed(2, 1)],
    ['DATA over the limit', placed(2, 1, new Uint8Array(limits.framePayload + 1)), 'too-large'],
    ['CREDIT of nothing', placed(3, 1, uint32(0))],
    ['CREDIT over the limit', placed(3, 1, uint32(limits.maxCredit + 1)), 'too-large'],
    ['CREDIT of all bits', placed(3, 1, uint32(0xffffffff)), 'too-large'],
    ['CREDIT of three bytes', placed(3, 1, Uint8Array.of(0, 0, 1))],
    ['CREDIT of five bytes', placed(3, 1, Uint8Array.of(0, 0, 0, 1, 0))],
    ['CREDIT of stream 0', placed(3, 0, uint32(1))],
    ['END with a payload', placed(4, 1, Uint8Array.of(0))],
    ['END without a place', frame(4, 258)],
    ['END with half a place', frame(4, 258, Uint8Array.of(0, 0, 0, 0, 1, 2))],
    ['END further back than it is', placed(4, 258, new Uint8Array(0), at(4, 5))],
    ['OPEN after another frame', placed(1, 1, open, at(4, 0x10a - 0x109))],
    ['END of stream 0', placed(4, 0)],
    ['RESET without a code', placed(5, 1)],
    ['RESET with a code too long', placed(5, 1, utf8('a'.repeat(65)))],
    ['RESET with capitals', placed(5, 1, utf8('Closed'))],
    ['RESET with a space', placed(5, 1, utf8('it failed'))],
    ['RESET with a line end', placed(5, 1, utf8('closed\n'))],
    ['RESET that is not UTF-8', placed(5, 1, Uint8Array.of(0xff))],
    ['RESET of stream 0', placed(5, 0, utf8('closed'))],
    ['CONTROL that is no message', placed(6, 1, Uint8Array.of(0x0a))],
    ['CONTROL over the limit', placed(6, 1, new Uint8Array(limits.frameControl + 1)), 'too-large'],
    ['CONTROL of stream 0', placed(6, 0, control)],
    ['PING of a stream', frame(7, 1, new Uint8Array(8))],
    ['PING of seven bytes', frame(7, 0, new Uint8Array(7))],
    ['PING of nine bytes', frame(7, 0, new Uint8Array(9))],
    ['PING without a token', frame(7, 0)],
    ['PONG of a stream', frame(8, 1, new Uint8Array(8))],
    ['PONG of nine bytes', frame(8, 0, new Uint8Array(9))],
  ];
  return [
    ...ofStreams.map(([name, type, stream, payload, place, decoded]) => ({
      name,
      message: hex(placed(type, stream, payload, place)),
      frame: { ...decoded, place },
    })),
    ...ofTheChannel.map(([name, bytes, decoded]) => ({ name, message: hex(bytes), frame: decoded })),
    ...bad.map(([name, bytes, fails = 'malformed']) => ({ name, message: hex(bytes), fails })),
  ];
}

export function guacamole(): object[] {
  const good: readonly (readonly [string, string, readonly (readonly string[])[]])[] = [
    ['one element', '4.sync;', [['sync']]],
    ['arguments', '4.size,1.0,4.1024,3.768;', [['size', '0', '1024', '768']]],
    ['an empty element', '3.nop,0.;', [['nop', '']]],
    ['an empty opcode', '0.,1.a;', [['', 'a']]],
    ['separators in a value', '4.blob,5.1,;.2;', [['blob', '1,;.2']]],
    ['lengths in code points', '4.name,2.ä🔑;', [['name', 'ä🔑']]],
    ['two instructions', '3.nop;4.sync,1.7;', [['nop'], ['sync', '7']]],
    ['a byte order mark is a character', '1.\ufeff;', [['\ufeff']]],
    ['nothing', '', []],
  ];
  const text: readonly (readonly [string, string])[] = [
    ['no length', '.nop;'],
    ['a leading zero', '03.nop;'],
    ['a double zero', '00.;'],
    ['a sign', '+3.nop;'],
    ['a negative length', '-3.nop;'],
    ['a space in front', ' 3.nop;'],
    ['a line end between instructions', '3.nop;\n3.nop;'],
    ['a hexadecimal length', '0x3.nop;'],
    ['no dot', '3nop;'],
    ['too short a length', '2.nop;'],
    ['too long a length', '4.nop;4.sync;'],
    ['a length in bytes', '4.name,6.ä🔑;'],
    ['a length in UTF-16 units', '4.name,3.ä🔑;'],
    ['no terminator', '3.nop3.nop;'],
    ['another terminator', '3.nop:'],
    ['an element over the limit', '32769.'],
    ['a length beyond all numbers', '99999999999999999999.'],
    ['too many elements', '1.a,'.repeat(256) + '1.a;'],
    ['an instruction over the limit', `20000.${'a'.repeat(20000)},13000.`],
    ['the end inside a length', '3'],
    ['the end inside an element', '3.no'],
    ['the end before the terminator', '3.nop'],
    ['the end after a comma', '3.nop,'],
    ['an end of another kind of stream', '3.nop;}'],
  ];
  const bytes: readonly (readonly [string, Uint8Array])[] = [
    ['a lone continuation byte', concat(utf8('1.'), Uint8Array.of(0x80), utf8(';'))],
    ['an overlong slash', concat(utf8('1.'), Uint8Array.of(0xc0, 0xaf), utf8(';'))],
    ['an overlong sequence of three', concat(utf8('1.'), Uint8Array.of(0xe0, 0x80, 0xaf), utf8(';'))],
    ['a surrogate', concat(utf8('1.'), Uint8Array.of(0xed, 0xa0, 0x80), utf8(';'))],
    ['above U+10FFFF', concat(utf8('1.'), Uint8Array.of(0xf4, 0x90, 0x80, 0x80), utf8(';'))],
    ['a cut sequence', concat(utf8('1.'), Uint8Array.of(0xc3), utf8(';'))],
    ['the byte 0xff', concat(utf8('1.'), Uint8Array.of(0xff), utf8(';'))],
  ];
  const fails = 'guacamole-malformed';
  return [
    ...good.map(([name, stream, instructions]) => ({ name, stream: hex(utf8(stream)), instructions })),
    ...text.map(([name, stream]) => ({ name, stream: hex(utf8(stream)), fails })),
    ...bytes.map(([name, stream]) => ({ name, stream: hex(stream), fails })),
  ];
}
