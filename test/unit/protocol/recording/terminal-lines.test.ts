import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../../protocol/bytes.ts';
import { linesUntil, searchLines } from '../../../../workers/engine/recordings/line-search.ts';
import { TerminalLines } from '../../../../protocol/recording/terminal-lines.ts';
import { runs } from '../../../fuzz-runs.ts';

const escape = '\u001b';

function linesOf(...writes: readonly string[]): string[] {
  const lines = new TerminalLines();
  for (const [index, text] of writes.entries()) lines.write(index * 10, utf8(text));
  lines.end();
  return lines.lines.map(({ text }) => text);
}

describe('the lines of a terminal', () => {
  test('are what stayed on the screen, not what was rubbed out', () => {
    expect(linesOf('$ rn\b \b', 'm x\r\n')).toEqual(['$ rm x']);
    expect(linesOf('10 %\r100 %\r\n')).toEqual(['100 %']);
    expect(linesOf(`wrong${escape}[2K\rright\r\n`)).toEqual(['right']);
    expect(linesOf(`abcdef\b\b\b${escape}[K\r\n`)).toEqual(['abc']);
    expect(linesOf(`ac\b${escape}[@b\r\n`)).toEqual(['abc']);
    expect(linesOf(`abcd\b\b${escape}[2@\r\n`)).toEqual(['ab  cd']);
    expect(linesOf(`ab${escape}[6Gc\r\n`)).toEqual(['ab   c']);
  });

  test('hold no colours, titles and other orders', () => {
    expect(linesOf(`${escape}]0;title\u0007${escape}[1;32muser${escape}[0m:~$ ls\r\n`)).toEqual([
      'user:~$ ls',
    ]);
    expect(linesOf(`${escape}Psecret${escape}\\shown${escape}(B\r\n`)).toEqual(['shown']);
  });

  test('come from bytes that are cut anywhere', () => {
    const bytes = utf8(`${escape}[31mgrün${escape}[0m → 日本\r\n`);
    const lines = new TerminalLines();
    for (const byte of bytes) lines.write(5, Uint8Array.of(byte));
    expect(lines.lines).toEqual([{ atMs: 5, text: 'grün → 日本' }]);
  });

  test('are left where the cursor goes to another row', () => {
    expect(linesOf(`one${escape}[5;3Htwo${escape}[2Jthree`)).toEqual(['one', '  two', 'three']);
  });

  test('of keys are as they would be shown, with what was left out', () => {
    const lines = new TerminalLines();
    lines.type(1, utf8('lss\u007f -l\r'));
    lines.leaveOut(2);
    lines.end();
    expect(lines.lines.map(({ text }) => text)).toEqual(['ls -l', '[left out]']);
  });

  test('are the same in one piece as sign by sign, also where they are longer than a line', () => {
    const signs = ['ab', 'ü日', '😀', ' ', '\t', '\b', '\r', '\r\n', '\n', 'x'.repeat(4095), `${escape}[`];
    const orders = ['K', '1K', '2K', 'P', '2@', 'C', 'D', '3G', 'H', '2;3H', '0m'].map(
      (one) => escape + '[' + one,
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...signs, ...orders), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        expect(linesOf(text)).toEqual(linesOf(...text));
      }),
      { numRuns: runs(100) },
    );
  });

  test('go on in the next where they are full, also when the cursor went back before', () => {
    const lines = linesOf(`${'x'.repeat(4095)}\b${'y'.repeat(4095)}`);
    expect(lines).toEqual(['x'.repeat(4094) + 'yy', 'y'.repeat(4093)]);
  });

  test('end somewhere, whatever is written', () => {
    const lines = new TerminalLines();
    const much = utf8('x'.repeat(1024 * 1024));
    for (let times = 0; times < 12; times++) lines.write(times, much);
    expect(lines.cut).toBe(true);
    expect(lines.lines.every(({ text }) => text.length <= 4096)).toBe(true);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(escape, '[', ']', '4', ';', 'H', 'C', 'P', '@', 'a', '\b', '\n')),
        (keys) => {
          linesOf(keys.join(''));
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test('end also where a few bytes ask for a line of blanks', () => {
    const lines = new TerminalLines();
    lines.write(1, utf8(`${escape}[4096G \n`.repeat(3_000)));
    lines.write(2, utf8('x\n'));
    expect([lines.cut, lines.lines]).toEqual([true, []]);
  });

  test('are never longer than a line, whatever is put into them', () => {
    const [only] = linesOf(`abc${escape}[2G${escape}[4095@x${escape}[4096Gy`);
    expect(only).toHaveLength(4096);
    expect(only?.replace(/ +/, '…')).toBe('ax…y');
  });

  test('are found without case, and as of a moment', () => {
    const shown = [0, 10, 20].map((atMs) => ({ atMs, text: `Line ${atMs}` }));
    const typed = [{ atMs: 15, text: 'line typed' }];
    expect(searchLines(shown, typed, ' LINE ').map(({ atMs }) => atMs)).toEqual([0, 10, 15, 20]);
    expect(searchLines(shown, typed, '  ')).toEqual([]);
    const long = [{ atMs: 1, text: `${'a'.repeat(1000)}needle${'b'.repeat(1000)}` }];
    const [hit] = searchLines(long, [], 'needle');
    expect(hit?.text.slice(hit.from, hit.from + hit.length)).toBe('needle');
    expect(hit?.text).toHaveLength(240);
    expect(linesUntil(shown, 10, 1)).toEqual([{ atMs: 10, text: 'Line 10' }]);
    expect(linesUntil(shown, -1, 5)).toEqual([]);
  });
});
