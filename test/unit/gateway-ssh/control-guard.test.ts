import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlGuard } from '../../../gateway/ssh/control-guard.ts';

const filtered = (text: string | Uint8Array) =>
  Buffer.from(
    new ControlGuard(24, 80).filter(typeof text === 'string' ? Buffer.from(text) : text),
  ).toString();

describe('control sequences on their way to guacd', () => {
  it.each([
    ['\x1b[2147483647L', '\x1b[24L'],
    ['\x1b[99M\x1b[0025S\x1b[25T', '\x1b[24M\x1b[24S\x1b[24T'],
    ['\x1b[81@\x1b[999P\x1b[9999X', '\x1b[80@\x1b[80P\x1b[80X'],
    ['\x1b[5;5\x1b[99L', '\x1b[5;5\x1b[24L'],
    [`\x1b[${'1;'.repeat(500)}mafter`, 'after'],
    ['a\x05b\x1b\x05[1\x05m', 'ab\x1b[1m'],
    ['\x1b[1;99999999;3H', '\x1b[1;9999;3H'],
    ['\x1b[?00000000001h', '\x1b[?0000h'],
    ['\x1b[38:2::00000255:1:1m', '\x1b[38:2::0000:1:1m'],
  ])('%j loses its endless numbers', (text, less) => {
    expect(filtered(text)).toBe(less);
  });

  it.each([
    'plain 2147483647',
    '\x1b[?2004h$ \x1b[1;31mred\x1b[0m 12345678',
    '\x1b]0;title 123456789\x07',
    '\x1b]4;1;rgb:12345/1/1\x1b\\',
    '\x1b(B123456',
    '\x1b[24L\x1b[80X\x1b[3M\x1b[L',
    '\x1b[99T'.replace('99', '24'),
    'ě1234567 and 😛123456 and \u009b1234H',
  ])('%j passes as it is', (text) => {
    expect(filtered(text)).toBe(text);
  });

  it('knows the eight-bit form', () => {
    expect(new ControlGuard(24, 80).filter(Uint8Array.of(0x9b, ...Buffer.from('99999L'))).length).toBe(4);
  });

  it('does the same however the output is cut', () => {
    const part = fc.constantFrom(
      '\x1b',
      '[',
      '12345',
      '99',
      ';',
      'H',
      'ě',
      '😛',
      'text',
      '\x18',
      '\u009b',
      '?',
      'm',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const bytes = Buffer.from(parts.join(''));
        const whole = Buffer.from(new ControlGuard(24, 80).filter(bytes));
        const guard = new ControlGuard(24, 80);
        const pieces = Array.from(bytes, (byte) => Buffer.from(guard.filter(Uint8Array.of(byte))));
        expect(Buffer.concat(pieces).equals(whole)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
