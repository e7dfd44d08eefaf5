import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TelnetGuard } from '../../../gateway/targets/telnet-guard.ts';
import { runs } from '../../fuzz-runs.ts';

const bytes = (...parts: readonly (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
const shown = (...parts: readonly (string | number)[]) =>
  Buffer.from(new TelnetGuard().rewrite(bytes(...parts)));

describe('what a telnet target sends to guacd', () => {
  test('its control sequences do no harm, whatever negotiation comes in between', () => {
    expect(shown('a\x1b[99999L', 'b\x1b#8c')).toEqual(bytes('a\x1b[24Lb', 'c'));
    expect(shown('\x1b[99', 255, 251, 1, '99L')).toEqual(bytes(255, 251, 1, '\x1b[24L'));
  });

  test('telnet’s own commands pass byte for byte', () => {
    const negotiation = [255, 253, 24, 255, 250, 24, 1, 255, 255, 27, 91, 255, 240, 255, 241] as const;
    expect(shown('login: ', ...negotiation, 'there')).toEqual(bytes('login: ', ...negotiation, 'there'));
  });

  test.each([
    ['a subnegotiation that another command breaks off', [255, 250, 24, 255, 251, 255, 250]],
    ['an option that looks like a command', [255, 250, 255, 240, 255, 240]],
    ['a subnegotiation longer than guacd reads', [255, 250, 24, ...Array<number>(20_000).fill(1), 255, 240]],
    ['the older compression, which ends as nothing else does', [255, 250, 85, 251, 240, 255, 240]],
    ['compression', [255, 251, 86, 255, 250, 86, 255, 240]],
  ])('%s hides no control sequence', (_, before) => {
    const text = shown(...before, '\x1b[99999L').toString('latin1');
    expect(text.endsWith('\x1b[24L')).toBe(true);
    expect(text).not.toMatch(/99999|\xff\xfa/);
  });

  test('a return that is no end of a line keeps its zero', () => {
    expect(shown('50%\r', 0, '60%')).toEqual(bytes('50%\r', 0, '60%'));
  });

  test('counts are cut to the size that guacd negotiates', () => {
    const guard = new TelnetGuard();
    guard.fromGuacd(bytes(255, 250, 31, 0, 200, 0, 60, 255, 240));
    expect(Buffer.from(guard.rewrite(bytes('\x1b[99L\x1b[999@')))).toEqual(bytes('\x1b[60L\x1b[200@'));
  });

  test('however it is cut', () => {
    const part = fc.constantFrom('\x1b', '[', '99999', 'L', 'ě', '\r', '\0', '\n', '\u009b', 'text');
    const command = fc.constantFrom([255, 251, 1], [255, 250, 31, 0, 80, 255, 240], [255, 255], [255, 241]);
    fc.assert(
      fc.property(fc.array(fc.oneof(part, command), { maxLength: 30 }), (parts) => {
        const whole = bytes(...parts.flat());
        const guard = new TelnetGuard();
        const pieces = Array.from(whole, (byte) => Buffer.from(guard.rewrite(Uint8Array.of(byte))));
        expect(Buffer.concat(pieces)).toEqual(Buffer.from(new TelnetGuard().rewrite(whole)));
      }),
      { numRuns: runs(1000) },
    );
  });
});
