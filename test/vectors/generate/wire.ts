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

export function frames(): object[] {
  const token = seed('stream token', 16);
  const open = encodeMessage(StreamOpenSchema, { streamToken: token });
  const control = encodeMessage(StreamControlSchema, { body: { case: 'targetRttUs', value: 1234 } });
  const good: readonly (readonly [string, Uint8Array, object])[] = [
    ['OPEN', frame(1, 1, open), { kind: 'open', stream: 1, streamToken: hex(token) }],
    ['DATA of one byte', frame(2, 7, Uint8Array.of(0)), { kind: 'data', stream: 7, data: '00' }],
    [
      'DATA on the last stream',
      frame(2, 0xffffffff, utf8('x')),
      { kind: 'data', stream: 4294967295, data: '78' },
    ],
    ['CREDIT of one byte', frame(3, 1, uint32(1)), { kind: 'credit', stream: 1, bytes: 1 }],
    [
      'CREDIT of the most',
      frame(3, 1, uint32(limits.maxCredit)),
      { kind: 'credit', stream: 1, bytes: limits.maxCredit },
    ],
    ['END', frame(4, 258), { kind: 'end', stream: 258 }],
    ['RESET', frame(5, 1, utf8('limit-reached')), { kind: 'reset', stream: 1, code: 'limit-reached' }],
    [
      'RESET with the longest code',
      frame(5, 1, utf8('a'.repeat(64))),
      { kind: 'reset', stream: 1, code: 'a'.repeat(64) },
    ],
    [
      'CONTROL',
      frame(6, 1, control),
      { kind: 'control', stream: 1, control: { case: 'targetRttUs', value: 1234 } },
    ],
    [
      'CONTROL of a newer peer',
      frame(6, 1, Uint8Array.of(0xf8, 0x07, 0x01)),
      { kind: 'control', stream: 1, control: {} },
    ],
    ['PING', frame(7, 0, seed('ping', 8)), { kind: 'ping', token: hex(seed('ping', 8)) }],
    ['PONG', frame(8, 0, seed('ping', 8)), { kind: 'pong', token: hex(seed('ping', 8)) }],
    ['RECEIVED', frame(9, 0, count(0, 258)), { kind: 'received', count: 258 }],
    ['RESUMED', frame(10, 0, count(1, 2)), { kind: 'resumed', count: 2 ** 32 + 2 }],
    ['RESUMED of nothing', frame(10, 0, count(0, 0)), { kind: 'resumed', count: 0 }],
    ['BYE', frame(11, 0), { kind: 'bye' }],
  ];
  const bad: readonly (readonly [string, Uint8Array, string?])[] = [
    ['nothing', new Uint8Array(0)],
    ['a header cut', Uint8Array.of(4, 0, 0, 0)],
    ['type 0', frame(0, 1)],
    ['type 12', frame(12, 0)],
    ['RECEIVED on a stream', frame(9, 1, count(0, 1))],
    ['RECEIVED without a count', frame(9, 0)],
    ['RESUMED of more than a double counts', frame(10, 0, count(0x200000, 0))],
    ['BYE with a word', frame(11, 0, utf8('x'))],
    ['type 255', frame(255, 1)],
    ['OPEN of stream 0', frame(1, 0, open)],
    ['OPEN without a token', frame(1, 1)],
    [
      'OPEN with a short token',
      frame(1, 1, encodeMessage(StreamOpenSchema, { streamToken: token.slice(1) })),
    ],
    [
      'OPEN with a long token',
      frame(1, 1, encodeMessage(StreamOpenSchema, { streamToken: seed('long token', 17) })),
    ],
    ['OPEN that is no message', frame(1, 1, Uint8Array.of(0x0a, 0x7f))],
    [
      'OPEN over the limit',
      frame(1, 1, concat(open, Uint8Array.of(0x12), Uint8Array.of(0x81, 0x40), new Uint8Array(8193))),
      'too-large',
    ],
    ['DATA of stream 0', frame(2, 0, utf8('x'))],
    ['DATA without bytes', frame(2, 1)],
    ['DATA over the limit', frame(2, 1, new Uint8Array(limits.framePayload + 1)), 'too-large'],
    ['CREDIT of nothing', frame(3, 1, uint32(0))],
    ['CREDIT over the limit', frame(3, 1, uint32(limits.maxCredit + 1)), 'too-large'],
    ['CREDIT of all bits', frame(3, 1, uint32(0xffffffff)), 'too-large'],
    ['CREDIT of three bytes', frame(3, 1, Uint8Array.of(0, 0, 1))],
    ['CREDIT of five bytes', frame(3, 1, Uint8Array.of(0, 0, 0, 1, 0))],
    ['CREDIT of stream 0', frame(3, 0, uint32(1))],
    ['END with a payload', frame(4, 1, Uint8Array.of(0))],
    ['END of stream 0', frame(4, 0)],
    ['RESET without a code', frame(5, 1)],
    ['RESET with a code too long', frame(5, 1, utf8('a'.repeat(65)))],
    ['RESET with capitals', frame(5, 1, utf8('Closed'))],
    ['RESET with a space', frame(5, 1, utf8('it failed'))],
    ['RESET with a line end', frame(5, 1, utf8('closed\n'))],
    ['RESET that is not UTF-8', frame(5, 1, Uint8Array.of(0xff))],
    ['RESET of stream 0', frame(5, 0, utf8('closed'))],
    ['CONTROL that is no message', frame(6, 1, Uint8Array.of(0x0a))],
    ['CONTROL over the limit', frame(6, 1, new Uint8Array(limits.frameControl + 1)), 'too-large'],
    ['CONTROL of stream 0', frame(6, 0, control)],
    ['PING of a stream', frame(7, 1, new Uint8Array(8))],
    ['PING of seven bytes', frame(7, 0, new Uint8Array(7))],
    ['PING of nine bytes', frame(7, 0, new Uint8Array(9))],
    ['PING without a token', frame(7, 0)],
    ['PONG of a stream', frame(8, 1, new Uint8Array(8))],
    ['PONG of nine bytes', frame(8, 0, new Uint8Array(9))],
  ];
  return [
    ...good.map(([name, bytes, decoded]) => ({ name, message: hex(bytes), frame: decoded })),
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
