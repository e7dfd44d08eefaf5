import type * as Guacamole from '@glokon/guacamole-common-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { concat } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';
import { PictureIntake } from '../../../web/session/picture/picture-intake.ts';

type Said = readonly [string, ...(string | number)[]];
const { slice, frames, standstillMs } = limits.picture;
const say = (...list: readonly Said[]) =>
  concat(...list.map(([opcode, ...args]) => encodeInstructionBytes(opcode, ...args)));

/** A display that draws when it is told to. */
class HandDisplay {
  readonly waiting: (() => void)[] = [];
  atOnce = false;
  flush = (callback: () => void): void => {
    if (this.atOnce) callback();
    else this.waiting.push(callback);
  };
  drawBlob = (): void => {};
  /** The first that waits. Who waits for room hears of it after that. */
  async draw(): Promise<void> {
    this.waiting.shift()?.();
    await Promise.resolve();
  }
}

let display: HandDisplay;
let intake: PictureIntake;
let heard: string[];
let consumed: number;
let failures: string[];

beforeEach(() => {
  display = new HandDisplay();
  [heard, consumed, failures] = [[], 0, []];
  const asDisplay = display as unknown as Guacamole.Display;
  intake = new PictureIntake(asDisplay, {
    instruction: (opcode, args) => {
      heard.push([opcode, ...args].join(' '));
      if (opcode === 'sync') asDisplay.flush(() => {});
    },
    consumed: (bytes) => (consumed += bytes),
    failed: (code) => failures.push(code),
  });
});
const take = (...list: readonly Said[]) => intake.take([say(...list)]);
afterEach(() => {
  intake.close();
  vi.useRealTimers();
});

describe('what comes of a picture', () => {
  test('is handed on, whatever the frames cut, and credit is given back for it', () => {
    const bytes = say(['name', 'Grüße ✓ 🏰']);
    for (const byte of bytes) intake.take([Uint8Array.of(byte)]);
    expect(heard).toEqual(['name Grüße ✓ 🏰']);
    expect(consumed).toBe(bytes.length);
  });

  test.each<[string, Uint8Array]>([
    ['no Guacamole', new TextEncoder().encode('not guacamole')],
    ['longer than any', new TextEncoder().encode('99999999.x;')],
    ['sound that is encoded', say(['audio', 1, 'audio/ogg'])],
    ['a film', say(['video', 1, 0, 'video/mp4'])],
    ['a nest', say(['nest', 1, '4.size,1.0,1.1,1.1;'])],
    ['files', say(['filesystem', 0, 'C:'])],
    ['a body', say(['body', 0, 1, 'text/plain', '/x'])],
    ['a transfer of nobody’s', say(['file', 1, 'text/plain', '../../x'])],
    ['a pipe', say(['pipe', 1, 'text/plain', 'x'])],
    ['a blob of no stream', say(['blob', 5, 'AAAA'])],
    ['an end of no stream', say(['end', 5])],
    ['a screen of 16,384 by 16,384', say(['size', 0, 16_384, 16_384])],
    ['a layer on itself', say(['move', 1, 2, 0, 0, 0], ['move', 2, 1, 0, 0, 0])],
    ['a path without an end', say(...Array.from({ length: 2_000 }, (): Said => ['rect', 0, 0, 0, 1, 1]))],
    ['a pointer without a pixel', say(['cursor', 0, 0, -1, 0, 0, 0, 0])],
    [
      'clipboards without end',
      say(...Array.from({ length: 17 }, (_, n): Said => ['clipboard', n, 'text/plain'])),
    ],
    ['a goodbye of its own', say(['disconnect'])],
    ['another handshake', say(['required', 'password'])],
  ])('%s ends the session, and nothing after it is taken in', (_, bytes) => {
    intake.take([bytes]);
    take(['name', 'after']);
    expect(failures).toEqual(['guacamole-malformed']);
    expect(heard).not.toContain('name after');
  });

  test('errors of guacd are the client’s to tell', () => {
    take(['error', 'no', 519], ['nop']);
    expect([heard, failures]).toEqual([['error no 519', 'nop'], []]);
  });
});

describe('what is not drawn yet', () => {
  test('is so many frames, and the rest waits as the bytes that it came as', async () => {
    const names = Array.from({ length: 1_000 }, (_, n) => `name ${n}`);
    let given = 0;
    for (let n = 0; n < 1_000; n++) {
      const bytes = say(['name', n], ['sync', n]);
      intake.take([bytes]);
      given += bytes.length;
    }
    expect(display.waiting.length).toBe(frames);
    expect(heard.length).toBe(2 * frames);
    const before = consumed;
    await display.draw();
    expect(consumed).toBeGreaterThan(before);
    while (display.waiting.length > 0) await display.draw();
    expect(heard.filter((line) => line.startsWith('name'))).toEqual(names);
    expect(consumed).toBe(given);
  });

  test('is cut where it is too much for one frame, sync or none', async () => {
    const side = 4_000;
    const large = say(['rect', -1, 0, 0, side, side], ['cfill', 14, -1, 0, 0, 0, 255]);
    for (let n = 0; n < 10; n++) intake.take([large]);
    expect(display.waiting.length).toBe(1);
    expect(heard.length).toBeLessThan(2 + (2 * slice) / side ** 2);
    while (display.waiting.length > 0) await display.draw();
    expect(heard.length).toBe(20);
  });

  test('is few small pictures, since the page decodes those itself', async () => {
    const side = 128;
    const header = Buffer.from('89504e470d0a1a0a0000000d49484452000000800000008008020000', 'hex');
    const picture = say(
      ['img', 1, 14, 0, 'image/png', 0, 0],
      ['blob', 1, header.toString('base64')],
      ['end', 1],
    );
    const pictures = 200;
    intake.take([concat(...Array.from({ length: pictures }, () => picture))]);
    expect(display.waiting.length).toBe(1);
    expect(heard.length / 3).toBeLessThan(slice / side ** 2 / 20);
    while (display.waiting.length > 0) await display.draw();
    expect([heard.length / 3, failures]).toEqual([pictures, []]);
  });

  test('is nothing for a display that draws at once, however much comes', () => {
    display.atOnce = true;
    const rects = Array.from({ length: 100 }, (): Said[] => [
      ['rect', 0, 0, 0, 5_000, 5_000],
      ['cfill', 14, 0, 0, 0, 0, 255],
    ]);
    const bytes = say(...rects.flat());
    for (let n = 0; n < 200; n++) intake.take([bytes]);
    expect([heard.length, failures]).toEqual([40_000, []]);
  });

  test('does not wait for a frame that the display lost', async () => {
    take(['sync', 1]);
    take(['sync', 2]);
    display.waiting.shift(); // it threw
    await display.draw();
    vi.useFakeTimers();
    vi.advanceTimersByTime(10 * standstillMs);
    expect(failures).toEqual([]);
  });

  test('takes little more room than its bytes, when each comes alone', async () => {
    for (let n = 0; n < frames; n++) take(['sync', n]);
    const crumbs = say(...Array.from({ length: 5_000 }, (_, n): Said => ['name', n]));
    for (const byte of crumbs) intake.take([Uint8Array.of(byte)]);
    while (display.waiting.length > 0) await display.draw();
    expect(heard.length).toBe(5_000 + frames);
  });

  test('ends the session when nothing of it is drawn any more', async () => {
    vi.useFakeTimers();
    take(['sync', 1]);
    await vi.advanceTimersByTimeAsync(standstillMs - 1);
    expect(failures).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failures).toEqual(['picture-stuck']);
  });

  test('does not end it while it goes on, or the page is hidden', async () => {
    vi.useFakeTimers();
    for (let n = 0; n < 3; n++) take(['sync', n]);
    for (let n = 0; n < 2; n++) {
      await vi.advanceTimersByTimeAsync(standstillMs - 1);
      await display.draw();
    }
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(5 * standstillMs);
    expect(failures).toEqual([]);
    vi.restoreAllMocks();
  });
});
