import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TelnetTap } from '../../../gateway/targets/telnet-tap.ts';
import { concat, utf8 } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { runs } from '../../fuzz-runs.ts';

const window = (...size: readonly number[]) => Uint8Array.of(255, 250, 31, ...size, 255, 240);
const will = (option: number) => Uint8Array.of(255, 251, option);

function tapped(logsIn = false) {
  const seen = { output: '', input: '', sizes: [] as string[] };
  const tap = new TelnetTap(
    {
      output: (bytes) => void (seen.output += Buffer.from(bytes).toString('latin1')),
      input: (bytes) => void (seen.input += Buffer.from(bytes).toString('latin1')),
      resize: ({ columns, rows }) => void seen.sizes.push(`${columns}x${rows}`),
    },
    logsIn,
  );
  return { seen, tap };
}

/** Cut in two everywhere, and byte by byte. */
function cuts(bytes: Uint8Array): Uint8Array[][] {
  const halves = Array.from({ length: bytes.length }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [...halves, Array.from(bytes, (byte) => Uint8Array.of(byte))];
}

describe('what a terminal is shown and sent over telnet', () => {
  test('is told without telnet’s own commands, wherever it is cut', () => {
    const bytes = concat(
      ...[will(1), utf8('a'), Uint8Array.of(255, 255), utf8('b\r\n'), Uint8Array.of(255, 241, 13, 0)],
      ...[window(0, 80, 0, 24), utf8('c'), window(0, 255, 255, 1, 2), will(3)],
    );
    for (const parts of cuts(bytes)) {
      const { seen, tap } = tapped();
      for (const part of parts) tap.fromTarget(part);
      expect(seen).toEqual({ output: 'a\xffb\r\n\rc', input: '', sizes: [] });
    }
    for (const parts of cuts(bytes)) {
      const { seen, tap } = tapped();
      for (const part of parts) tap.fromGuacd(part);
      expect(seen).toEqual({ output: '', input: 'a\xffb\r\n\rc', sizes: ['80x24', '255x258'] });
    }
  });

  test('what guacd types of a login is nobody’s, until the person presses a key', () => {
    const { seen, tap } = tapped(true);
    tap.fromGuacd(utf8('ada\r'));
    tap.fromBrowser(encodeInstructionBytes('mouse', 1, 2, 0));
    tap.fromGuacd(utf8('secret\r'));
    tap.fromBrowser(encodeInstructionBytes('key', 108, 1));
    tap.fromGuacd(utf8('ls\r'));
    expect(seen.input).toBe('ls\r');
  });

  test('any bytes: no crash, nothing held', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const commands = fc.array(fc.constantFrom(255, 250, 240, 31, 13, 0, 7), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            bytes,
            commands.map((all) => Uint8Array.from(all)),
          ),
        ),
        (parts) => {
          const { seen, tap } = tapped();
          for (const part of parts) tap.fromTarget(part);
          for (const part of parts) tap.fromGuacd(part);
          expect(seen.output.length).toBeLessThanOrEqual(concat(...parts).length);
        },
      ),
      { numRuns: runs(100) },
    );
  });
});
