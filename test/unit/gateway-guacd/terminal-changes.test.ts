import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DrawingWatch } from '../../../gateway/guacd/drawing-watch.ts';
import { TerminalChanges, type HoldOutput } from '../../../gateway/guacd/terminal-changes.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Everything that is due by then, and what follows from it. */
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

function setUp(holdOutput?: HoldOutput) {
  const decoder = new InstructionDecoder(limits.guacamole.toGuacd);
  const sent: string[] = [];
  const drawing = new DrawingWatch(100);
  const changes = new TerminalChanges({
    send: (bytes) => {
      for (const { opcode, args } of decoder.decode(bytes)) sent.push([opcode, ...args].join(' '));
    },
    ...(holdOutput && { holdOutput }),
    ...{ quiet: (atMostMs) => drawing.quiet(atMostMs), changeMs: 2_000 },
  });
  const fromGuacd = new InstructionDecoder(limits.guacamole.fromGuacd);
  const hear = (opcode: string, ...args: (string | number)[]) => {
    const batch = fromGuacd.decode(encodeInstructionBytes(opcode, ...args));
    drawing.hear(batch);
    changes.hear(batch);
  };
  const echo = (name: string) => hear('argv', 3, 'text/plain', name);
  const letters = (...blobs: readonly string[]) => changes.make({ name: 'font-size', blobs });
  return { changes, drawing, sent, hear, echo, letters };
}

const told = (name: string, ...blobs: readonly string[]) => [
  `argv 55 text/plain ${name}`,
  ...blobs.map((blob) => `blob 55 ${blob}`),
  'end 55',
];

test('a change goes whole to a terminal that draws nothing, once what it has taken is drawn', async () => {
  const { sent, letters } = setUp();
  letters('MT', 'g=');
  await pass(99);
  expect(sent).toEqual([]);
  await pass(1);
  expect(sent).toEqual(told('font-size', 'MT', 'g='));
});

test('of those that come while one is made only the newest is, when guacd has answered and is quiet', async () => {
  const { sent, hear, echo, letters } = setUp();
  letters('a');
  await pass(100);
  letters('b');
  letters('c');
  hear('size', 0, 800, 600);
  await pass(500);
  hear('sync', 1);
  echo('color-scheme'); // not what was asked for
  await pass(500);
  expect(sent).toEqual(told('font-size', 'a'));
  hear('rect', 0, 0, 0, 9, 9);
  echo('font-size');
  await pass(99);
  hear('rect', 0, 0, 0, 9, 9);
  await pass(99);
  expect(sent).toEqual(told('font-size', 'a'));
  hear('sync', 2); // draws nothing
  await pass(1);
  expect(sent).toEqual([...told('font-size', 'a'), ...told('font-size', 'c')]);
});

test('different settings are all changed, one after the other', async () => {
  const { changes, sent, echo, letters } = setUp();
  letters('a');
  changes.make({ name: 'color-scheme', blobs: ['b'] });
  await pass(100);
  expect(sent).toEqual(told('font-size', 'a'));
  echo('font-size');
  await pass(100);
  expect(sent).toEqual([...told('font-size', 'a'), ...told('color-scheme', 'b')]);
});

test('a guacd that never rests and never answers is told all the same, after a while', async () => {
  const { sent, hear, letters } = setUp();
  const draw = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      hear('rect', 0, 0, 0, 9, 9);
      await pass(50);
    }
  };
  await draw(50);
  letters('a');
  await draw(1_900);
  expect(sent).toEqual([]);
  await draw(100);
  expect(sent).toEqual(told('font-size', 'a'));
  letters('b');
  await draw(4_000);
  expect(sent).toEqual([...told('font-size', 'a'), ...told('font-size', 'b')]);
});

test('a guacd that is not read is not quiet, nor is one whose words are read again until it is', async () => {
  const { drawing, sent, hear, letters } = setUp();
  drawing.deaf = true;
  await pass(500);
  letters('a');
  await pass(500);
  expect(sent).toEqual([]);
  drawing.deaf = false;
  await pass(99);
  hear('rect', 0, 0, 0, 9, 9);
  await pass(99);
  expect(sent).toEqual([]);
  await pass(1);
  expect(sent).toEqual(told('font-size', 'a'));
});

test('output is held back from before the change until guacd has made it', async () => {
  const taken = Promise.withResolvers<void>();
  let held = 0;
  const { sent, echo, letters } = setUp(async () => {
    held++;
    await taken.promise;
    return () => void held--;
  });
  letters('a');
  await pass(500);
  expect([sent, held]).toEqual([[], 1]); // guacd has not taken yet what it was given
  taken.resolve();
  await pass(99);
  expect([sent, held]).toEqual([[], 1]); // nor drawn
  await pass(1);
  expect([sent, held]).toEqual([told('font-size', 'a'), 1]);
  echo('font-size');
  await pass(0);
  expect(held).toBe(0);
});

test('output goes on when nothing answers, and at the end of the connection', async () => {
  const taken: (() => void)[] = [];
  let held = 0;
  const { changes, sent, letters } = setUp(async () => {
    held++;
    await new Promise<void>((resolve) => taken.push(resolve));
    return () => void held--;
  });
  letters('a');
  await pass(4_000);
  taken.shift()?.();
  await pass(0);
  expect([sent, held]).toEqual([told('font-size', 'a'), 0]);
  letters('b');
  changes.close();
  taken.shift()?.();
  await pass(4_000);
  expect([sent, held]).toEqual([told('font-size', 'a'), 0]);
  letters('c');
  await pass(4_000);
  expect([sent.length, held]).toEqual([3, 0]);
});
