import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstruction } from '../../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';
import { runs } from '../../fuzz-runs.ts';

const bounds = limits.guacamole.fromGuacd;
const small = { elementLength: 20, elements: 4, instructionBytes: 40 };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const plain = (list: Instruction[]) => list.map(({ opcode, args }) => [opcode, ...args]);

function decodeAll(chunks: readonly (Uint8Array | string)[], decoder = new InstructionDecoder(bounds)) {
  const list = chunks.flatMap((chunk) => decoder.decode(chunk));
  decoder.end();
  return list;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'accepted';
}

const element = fc.string({ unit: 'binary', maxLength: 40 });
const instruction = fc.array(element, { minLength: 1, maxLength: 8 });
const stream = fc.array(instruction, { minLength: 1, maxLength: 12 });
const cuts = fc.array(fc.nat(4000), { maxLength: 40 });

function split<T extends { length: number; slice(a: number, b?: number): T }>(
  whole: T,
  at: readonly number[],
): T[] {
  const points = [0, ...at.map((n) => n % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return points.slice(1).map((to, i) => whole.slice(points[i] ?? 0, to));
}

const encodeAll = (list: readonly string[][]) =>
  list.map(([opcode = '', ...args]) => encodeInstruction(opcode, ...args)).join('');

describe('decoding instructions', () => {
  it('gives the same instructions however the bytes are split', () => {
    fc.assert(
      fc.property(stream, cuts, (list, at) => {
        expect(plain(decodeAll(split(bytesOf(encodeAll(list)), at)))).toEqual(list);
      }),
      { numRuns: runs(100) },
    );
  });

  it('gives the same instructions however the text is split, also inside a surrogate pair', () => {
    fc.assert(
      fc.property(stream, cuts, (list, at) => {
        expect(plain(decodeAll(split(encodeAll(list), at)))).toEqual(list);
      }),
      { numRuns: runs(100) },
    );
  });

  it('gives the same instructions byte by byte', () => {
    const list = [['sync', '1234'], ['name', 'é😀€𐍈'], [''], ['blob', '1', 'x'.repeat(9000)]];
    const bytes = bytesOf(encodeAll(list));
    expect(plain(decodeAll(Array.from(bytes, (byte) => Uint8Array.of(byte))))).toEqual(list);
  });

  it('hands out the exact bytes of each instruction', () => {
    fc.assert(
      fc.property(stream, cuts, (list, at) => {
        const raws = decodeAll(split(bytesOf(encodeAll(list)), at)).map(({ raw }) => textOf(raw));
        expect(raws).toEqual(list.map((one) => encodeAll([one])));
      }),
      { numRuns: runs(100) },
    );
  });

  it('takes bytes and text in turn', () => {
    expect(plain(decodeAll(['4.na', bytesOf('me,1.'), '😀', bytesOf(';')]))).toEqual([['name', '😀']]);
  });
});

describe('a malformed stream is refused', () => {
  const bad: [string, string][] = [
    ['leading zero', '03.nop;'],
    ['two zeros', '00.;'],
    ['plus sign', '+3.nop;'],
    ['minus sign', '-1.;'],
    ['no digits', '.nop;'],
    ['no dot', '3nop;'],
    ['comma for dot', '3,nop;'],
    ['space', ' 3.nop;'],
    ['line feed between instructions', '3.nop;\n3.nop;'],
    ['hexadecimal', '0x3.nop;'],
    ['exponent', '1e0.a;'],
    ['full-width digit', '\uff13.nop;'],
    ['wrong terminator', '3.nop:'],
    ['element longer than announced', '3.nope;'],
    ['element shorter than announced', '5.nop;3.nop;'],
    ['empty instruction', ';'],
    ['trailing comma', '3.nop,;'],
  ];
  it.each(bad)('%s', (_, text) => {
    const whole = new InstructionDecoder(bounds);
    expect(codeOf(() => whole.decode(text))).toBe('guacamole-malformed');
    const slow = new InstructionDecoder(bounds);
    expect(codeOf(() => bytesOf(text).forEach((byte) => slow.decode(Uint8Array.of(byte))))).toBe(
      'guacamole-malformed',
    );
  });

  const badUtf8: [string, number[]][] = [
    ['lone continuation', [0x80]],
    ['overlong two bytes', [0xc0, 0xaf]],
    ['overlong three bytes', [0xe0, 0x80, 0xaf]],
    ['overlong four bytes', [0xf0, 0x80, 0x80, 0xaf]],
    ['surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['never a byte', [0xff]],
    ['cut short', [0xe2, 0x82, 0x3b]],
  ];
  it.each(badUtf8)('UTF-8: %s', (_, sequence) => {
    const bytes = Uint8Array.from([...bytesOf('1.'), ...sequence, 0x3b]);
    expect(codeOf(() => new InstructionDecoder(bounds).decode(bytes))).toBe('guacamole-malformed');
    const slow = new InstructionDecoder(bounds);
    expect(codeOf(() => bytes.forEach((byte) => slow.decode(Uint8Array.of(byte))))).toBe(
      'guacamole-malformed',
    );
  });

  it('UTF-8: bytes outside element content', () => {
    expect(codeOf(() => new InstructionDecoder(bounds).decode('1é.a;'))).toBe('guacamole-malformed');
  });

  it('lone surrogates in text, in one chunk or over two', () => {
    for (const chunks of [['1.\ud800;'], ['1.\udc00;'], ['1.\ud800', ';'], ['1.\ud800', bytesOf(';')]]) {
      expect(codeOf(() => decodeAll(chunks))).toBe('guacamole-malformed');
    }
  });

  it('a stream that ends inside an instruction, a code point or a surrogate pair', () => {
    for (const chunk of ['3', '3.no', '3.nop', '3.nop,', '1.\ud83d', Uint8Array.of(0x31, 0x2e, 0xc3)]) {
      expect(codeOf(() => decodeAll([chunk]))).toBe('guacamole-malformed');
    }
  });

  it('and stays refused after the first error', () => {
    const decoder = new InstructionDecoder(bounds);
    expect(codeOf(() => decoder.decode('3.nop:'))).toBe('guacamole-malformed');
    expect(codeOf(() => decoder.decode('3.nop;'))).toBe('guacamole-malformed');
    expect(codeOf(() => decoder.end())).toBe('guacamole-malformed');
  });
});

describe('an instruction over the limits is refused before it is buffered', () => {
  const refusedAt = (text: string) => {
    const decoder = new InstructionDecoder(small);
    const bytes = bytesOf(text);
    for (let i = 0; i < bytes.length; i++) {
      if (codeOf(() => decoder.decode(bytes.subarray(i, i + 1))) !== 'accepted') return i;
    }
    return -1;
  };

  it('an element too long: at the digit that makes it so', () => {
    expect(refusedAt('21.aaaaaaaaaaaaaaaaaaaaa;')).toBe(1);
    expect(refusedAt('99999999999999999999999999.')).toBe(1);
    expect(refusedAt('20.aaaaaaaaaaaaaaaaaaaa;')).toBe(-1);
  });

  it('too many elements: at the first dot too many', () => {
    expect(refusedAt('1.a,1.b,1.c,1.d;')).toBe(-1);
    expect(refusedAt('1.a,1.b,1.c,1.d,1.e;')).toBe('1.a,1.b,1.c,1.d,1'.length);
  });

  it('an instruction too long: at the length that announces it', () => {
    expect(refusedAt(`20.${'a'.repeat(20)},12.${'b'.repeat(12)};`)).toBe(-1); // 40 bytes: just fits
    expect(refusedAt(`20.${'a'.repeat(20)},13.${'b'.repeat(13)};`)).toBe('20.'.length + 20 + ',13'.length);
  });

  it('code points of several bytes: when the bytes run out, whole or in pieces', () => {
    const text = `20.${'😀'.repeat(20)};`;
    expect(refusedAt(text)).toBe(small.instructionBytes - 1);
    expect(codeOf(() => new InstructionDecoder(small).decode(text))).toBe('guacamole-malformed');
  });

  it('an endless instruction holds no more than the limit', () => {
    const decoder = new InstructionDecoder(small);
    const feed = () => {
      for (let i = 0; i < 1000; i++) {
        expect(decoder.buffered).toBeLessThan(small.instructionBytes);
        decoder.decode('1.a,');
      }
    };
    expect(codeOf(feed)).toBe('guacamole-malformed');
    expect(decoder.buffered).toBe(0);
  });
});

describe('fuzz', () => {
  it('any bytes are decoded or refused with the one code, and the same way however they are split', () => {
    const digit = fc.constantFrom(...bytesOf('0123456789.,;a'), 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80);
    const noise = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.array(digit, { maxLength: 200 }));
    fc.assert(
      fc.property(noise, cuts, (data, at) => {
        const run = (chunks: Uint8Array[]) => {
          const list: Instruction[] = [];
          const decoder = new InstructionDecoder(small);
          const code = codeOf(() => {
            for (const chunk of chunks) list.push(...decoder.decode(chunk));
          });
          return { code, list: code === 'accepted' ? plain(list) : null, held: decoder.buffered };
        };
        const bytes = Uint8Array.from(data);
        const whole = run([bytes]);
        const pieces = run(split(bytes, at));
        expect(pieces).toEqual(whole);
        expect(whole.held).toBeLessThan(small.instructionBytes);
      }),
      { numRuns: runs(3000) },
    );
  });

  it('one wrong byte never decodes into more than the true stream held', () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.integer({ min: 0, max: 255 }), (list, where, byte) => {
        const bytes = bytesOf(encodeAll(list));
        bytes[where % bytes.length] = byte;
        const decoder = new InstructionDecoder(bounds);
        expect(['accepted', 'guacamole-malformed']).toContain(codeOf(() => decoder.decode(bytes)));
      }),
      { numRuns: runs(2000) },
    );
  });
});
