import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import type { ScreenFrame } from '../../../web/recordings/terminal/screen-frame.ts';
import { TerminalDesk } from '../../../web/recordings/terminal/terminal-desk.ts';
import { TerminalScreen } from '../../../web/recordings/terminal/terminal-screen.ts';
import { runs } from '../../fuzz-runs.ts';

/** Each line as it is read, without what follows its last character. */
function textOf({ lines, columns }: ScreenFrame): string[] {
  return lines.map((runs) => {
    const cells = Array.from({ length: columns }, () => ' ');
    for (const { x, text, width } of runs)
      if (text.length === width) for (let at = 0; at < width; at++) cells[x + at] = text[at] ?? ' ';
      else cells[x] = text;
    return cells.join('').trimEnd();
  });
}

async function shown(...written: string[]): Promise<ScreenFrame> {
  const screen = new TerminalScreen();
  screen.resize({ columns: 20, rows: 5 });
  for (const text of written) screen.write(utf8(text));
  return await screen.frame();
}

describe('the screen of a recorded terminal', () => {
  test('shows what was written, where the cursor was, in its colours', async () => {
    const frame = await shown(
      'one\r\n\x1b[1;31mred\x1b[0m \x1b[7minverse\x1b[0m',
      '\x1b[5;1H漢\x1b[44m \x1b[0m',
    );
    expect(textOf(frame)).toEqual(['one', 'red inverse', '', '', '漢']);
    expect(frame.lines[1]).toMatchObject([
      { x: 0, text: 'red', ink: 0xff6767, ground: 0, bold: true },
      { x: 4, text: 'inverse', ink: 0, ground: 0x999999 },
    ]);
    expect(frame.lines[4]).toMatchObject([
      { x: 0, width: 2 },
      { x: 2, ground: 0x3e3e99 },
    ]);
    expect(frame.cursor).toEqual({ x: 3, y: 4 });
  });

  test('has the alternate screen, line drawing and scroll regions that sessions have', async () => {
    const frame = await shown('shell\r\n\x1b[?1049h\x1b[H\x1b(0lqk\x1b(B', '\x1b[2;3r\x1b[3;1Ha\nb\nc');
    expect(textOf(frame)).toEqual(['┌─┐', ' b', '  c', '', '']);
    expect(textOf(await shown('shell\r\n\x1b[?1049hgone\x1b[?1049l'))[0]).toBe('shell');
  });

  test('a character that was cut by an entry, and a sequence, are put together', async () => {
    const screen = new TerminalScreen();
    const bytes = utf8('grün\x1b[31m!');
    for (const byte of bytes) screen.write(Uint8Array.of(byte));
    expect(textOf(await screen.frame())[0]).toBe('grün!');
  });

  test('no character holds marks without end, and none are repeated: the memory is the page’s', async () => {
    const marks = '\u0301'.repeat(1_000);
    const frame = await shown('e\u0301', `\x1b[2;1Ha${marks}`, marks, '\x1b[19b');
    expect(frame.lines[0]).toMatchObject([{ x: 0, text: 'e\u0301' }]);
    expect(frame.lines[1]).toHaveLength(20);
    for (const { text } of frame.lines[1] ?? []) expect(text).toBe(`a${'\u0301'.repeat(8)}`);
  });

  test('no size and no count makes it larger than a screen, or slower', async () => {
    const screen = new TerminalScreen();
    screen.resize({ columns: 65_535, rows: 65_535 });
    screen.write(
      utf8('a\x1b[2147483647b\x1b[99999S\x1b[99999L\x1b]0;title\x07\x1b]8;;http://there\x07b'.repeat(100)),
    );
    const { columns, rows, lines } = await screen.frame();
    expect([columns, rows, lines.length]).toEqual([500, 250, 250]);
    screen.resize({ columns: 0, rows: 0 });
    expect(await screen.frame()).toMatchObject({ columns: 2, rows: 1 });
  });
});

/** What programs send, and what nobody does. */
const pieces = [
  ...[
    'word ',
    '\r\n',
    '\n',
    '\r',
    '\t',
    '\b',
    '漢字',
    '😀',
    'é',
    '\x1b(0',
    '\x1b(B',
    '\x0e',
    '\x0f',
    '\x1b)0',
    'lqqk',
  ],
  ...[
    '\x1b[31m',
    '\x1b[1;4;42m',
    '\x1b[0m',
    '\x1b[38;5;200m',
    '\x1b[48;2;1;2;3m',
    '\x1b[7m',
    '\x1b[4m',
    '\x1b[9;3;2m',
  ],
  ...[
    '\x1b[H',
    '\x1b[3;5H',
    '\x1b[A',
    '\x1b[2B',
    '\x1b[5C',
    '\x1b[D',
    '\x1b[J',
    '\x1b[1J',
    '\x1b[2J',
    '\x1b[K',
    '\x1b[1K',
  ],
  ...[
    '\x1b[2;4r',
    '\x1b[r',
    '\x1bM',
    '\x1bD',
    '\x1bE',
    '\x1b7',
    '\x1b8',
    '\x1b[s',
    '\x1b[u',
    '\x1bH',
    '\x1b[3g',
    '\x1bc',
  ],
  ...[
    '\x1b[?1049h',
    '\x1b[?1049l',
    '\x1b[?47h',
    '\x1b[?47l',
    '\x1b[?25l',
    '\x1b[?25h',
    '\x1b[?6h',
    '\x1b[?6l',
    '\x1b[?7l',
  ],
  ...[
    '\x1b[?7h',
    '\x1b[4h',
    '\x1b[4l',
    '\x1b[2L',
    '\x1b[M',
    '\x1b[3P',
    '\x1b[2@',
    '\x1b[4X',
    '\x1b[2S',
    '\x1b[T',
    '\x1b[5b',
  ],
  ...['\x1b]0;title\x07', '\x1b[', '\x1b', '\x1b]2;half', 'x'.repeat(45)],
];
const step = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...pieces) },
  {
    weight: 1,
    arbitrary: fc.record({ columns: fc.integer({ min: 1, max: 30 }), rows: fc.integer({ min: 1, max: 9 }) }),
  },
);
type Step = string | { readonly columns: number; readonly rows: number };

function take(screen: TerminalScreen, steps: readonly Step[]): void {
  for (const one of steps)
    if (typeof one === 'string') screen.write(utf8(one));
    else screen.resize(one);
}

test('goes on from a state as from itself, whatever was written, as often as one likes', async () => {
  const steps = fc.array(step, { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, steps, steps, async (first, second, other) => {
      const [whole, parted] = [new TerminalScreen(), new TerminalScreen()];
      take(whole, [{ columns: 20, rows: 6 }, ...first]);
      take(parted, [{ columns: 20, rows: 6 }, ...first]);
      const state = await parted.state();
      if (state === null) return;
      take(parted, second);
      parted.restore(state);
      take(parted, other); // what is done with a copy does nothing to it
      parted.restore(state);
      expect(await parted.frame()).toEqual(await whole.frame());
      take(whole, second);
      take(parted, second);
      expect(await parted.frame()).toEqual(await whole.frame());
    }),
    { numRuns: runs(100) },
  );
});

test('goes on from a state of an alternate screen that was made smaller before it was used', async () => {
  const steps: readonly Step[] = [{ columns: 3, rows: 2 }, '\x1b[?47h', 'one two three four five six'];
  const [whole, parted] = [new TerminalScreen(), new TerminalScreen()];
  take(whole, steps);
  take(parted, steps);
  parted.restore((await parted.state()) ?? expect.unreachable());
  expect(await parted.frame()).toEqual(await whole.frame());
});

test.each(['\x1b[1J', '\x1b[?1J'])(
  'erases up to the last cell of a screen that nothing has left by %j',
  async (erase) => {
    const screen = new TerminalScreen();
    take(screen, [{ columns: 4, rows: 2 }, 'abcdefgh', erase, '\x1b[HX']);
    const { lines } = await screen.frame();
    expect(lines.map((line) => line.map(({ text }) => text).join('|'))).toEqual(['X', '']);
  },
);

test('the desk sends a line again when it changed, and goes back to what it kept', async () => {
  const desk = new TerminalDesk();
  const write = (text: string) =>
    desk.write({ ends: Uint32Array.of(utf8(text).length), sizes: Uint8Array.of(0), bytes: utf8(text) });
  write('one\r\ntwo');
  expect((await desk.frame()).lines.slice(0, 3).map((line) => line?.[0]?.text)).toEqual([
    'one',
    'two',
    undefined,
  ]);
  const kept = (await desk.remember()) ?? expect.unreachable();
  write('!');
  const { lines } = await desk.frame();
  expect(lines.map((line, y) => [y, line]).filter(([, line]) => line !== null)).toHaveLength(1);
  desk.recall(kept.state);
  write('?');
  expect((await desk.frame()).lines[1]?.[0]?.text).toBe('two?');
  write('\x1b[');
  expect(await desk.remember()).toBeNull();
});
