import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlGuard } from '../../../../protocol/terminal/control-guard.ts';
import { runs } from '../../../fuzz-runs.ts';

const filtered = (text: string | Uint8Array) =>
  Buffer.from(
    new ControlGuard(24, 80).filter(typeof text === 'string' ? Buffer.from(text) : text),
  ).toString();

describe('control sequences on their way to guacd', () => {
  it.each([
    ['\x1b[2147483647L', '\x1b[24L'],
    ['\x1b[99M\x1b[0025S\x1b[25T', '\x1b[24M\x1b[24S\x1b[24T'],
    ['\x1b[81@\x1b[999P\x1b[9999X', '\x1b[80@\x1b[80P\x1b[80X'],
    ['\x1b[5;5\x1b[99L', '\x1b[24L'],
    [`\x1b[${'1;'.repeat(500)}mafter`, 'after'],
    ['a\x05b\x1b\x05[1\x05m', 'ab\x1b[1m'],
    ['\x1b[1;99999999;3H', '\x1b[1;9999;3H'],
    ['\x1b[?00000000001h', '\x1b[?0000h'],
    ['\x1b[38:2::00000255:1:1m', '\x1b[38;2;0000;1;1m'],
  ])('%j loses its endless numbers', (text, less) => {
    expect(filtered(text)).toBe(less);
  });

  it.each([
    'plain 2147483647',
    '\x1b[?2004h$ \x1b[1;31mred\x1b[0m 12345678',
    '\x1b]0;title 123456789\x07',
    '\x1b]4;1;rgb:12345/1/1\x1b\\',
    '\x1b[24L\x1b[80X\x1b[3M\x1b[L',
    '\x1b[99T'.replace('99', '24'),
    'ě1234567 and 😛123456, 囧12345',
    '\x1b[5;20r\x1b[r\x1b[38;2;255;128;0m\x1b[?1;2h\x1b[>c\x1b[?25l',
    '\x1b#3',
  ])('%j passes as it is', (text) => {
    expect(filtered(text)).toBe(text);
  });

  it.each([
    ['the eight-bit form', '\u009b99999L', '\x1b[24L'],
    ['a space in a number', '\x1b[9999 9999L', '\x1b[24L'],
    ['a broken-off sequence, which guacd reads on', '\x1b[9\x1b9999L', '\x1b9999L'],
    ['a cancelled sequence, which guacd reads on', '\x1b[\x1899999L', '99999L'],
    ['an escape before the escape', '\x1b\x1b[99L', '\x1b[24L'],
    ['an escape as the name of a set', '\x1b(\x1b[99L', '\x1b[24L'],
    ['a scroll region beyond the screen', '\x1b[0;999999r\x1b[;r', '\x1b[1;24r\x1b[1;24r'],
    ['a scroll region upside down', 'a\x1b[20;5rb\x1b[30;40rc', 'abc'],
    ['the alignment test', 'a\x1b#8b', 'ab'],
    [
      'colours with colons',
      '\x1b[38:5:208;1m\x1b[48:2:1:2:3m\x1b[4:3m',
      '\x1b[38;5;208;1m\x1b[48;2;1;2;3m\x1b[4m',
    ],
    ['counts and regions behind a prefix', 'a\x1b[?9999L\x1b[>9999M\x1b[=9999P\x1b[?1;9999rb', 'ab'],
    ['what a prefix makes something else', 'a\x1b[>4;2mb\x1b[?1;2rc\x1b[<ud\x1b[??1he', 'abcde'],
    ['colons elsewhere', '\x1b[1:99999Lb', 'b'],
    ['other control characters of eight bits', 'a\u0085\u009c\u009db', 'ab'],
    ['line drawing', '\x1b(0lqk\x1b(Bx\x1b)0\x0ex\x0fx\x1bcx', '┌─┐x│x\x1bcx'],
  ])('%s', (_, text, shown) => {
    expect(filtered(text)).toBe(shown);
  });

  it.each([
    ['an escape of two bytes', [0xc0, 0x9b]],
    ['an escape of three', [0xe0, 0x80, 0x9b]],
    ['an escape of four', [0xf0, 0x80, 0x80, 0x9b]],
    ['an enquiry of three', [0xe0, 0x80, 0x85]],
    ['an introducer of three', [0xe0, 0x82, 0x9b]],
    ['an introducer that is no character', [0x9b]],
    ['a lone beginning', [0xe5, 0x9b]],
  ])('%s is nothing', (_, bytes) => {
    expect(filtered(Uint8Array.from([...bytes, ...Buffer.from('[99L')]))).toBe('[99L');
  });

  it('holds the longest sequence back until its last byte', () => {
    const guard = new ControlGuard(24, 80);
    const text = `\x1b[${'38:5:1;'.repeat(36)}1m`;
    const parts = Array.from(Buffer.from(text), (byte) => guard.filter(Uint8Array.of(byte)));
    expect(Buffer.concat(parts).toString()).toBe(`\x1b[${'38;5;1;'.repeat(36)}1m`);
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
      '\x0e',
      '\x1b)0',
      'r',
      ':',
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
      { numRuns: runs(1000) },
    );
  });
});
