import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { PictureReel } from '../../../web/recordings/picture-reel.ts';
import { Playback } from '../../../web/recordings/playback.svelte.ts';
import type { RecordedPicture } from '../../../workers/api.ts';

type Entry = readonly [atMs: number, text: string, kind?: number];

function chunk(index: number, entries: readonly Entry[], keyFrame = false): RecordedPicture {
  const texts = entries.map(([, text]) => new TextEncoder().encode(text));
  let end = 0;
  return {
    ...{ index, fault: null, keyFrame },
    atMs: Uint32Array.from(entries, ([atMs]) => atMs),
    ends: Uint32Array.from(texts, ({ length }) => (end += length)),
    kinds: Uint8Array.from(entries, ([, , kind = 0]) => kind),
    bytes: new TextEncoder().encode(entries.map(([, text]) => text).join('')),
  };
}

/** What would be on the screen: every text that was drawn since it was empty. */
class FakePainter {
  drawn = '';
  /** All that was ever fed: what going somewhere costs. */
  fed = 0;
  settled = true;
  feed(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (text === 'bad') throw new ProtocolError('guacamole-malformed');
    this.fed++;
    this.drawn += text;
  }
  flush = () => Promise.resolve();
  clear(): void {
    this.drawn = '';
  }
  export = () => Promise.resolve({ state: this.drawn as never, bytes: 1000 });
  forgotten = 0;
  forget = () => void this.forgotten++;
  import = ({ state }: { state: unknown }) => {
    this.drawn = String(state);
    return Promise.resolve();
  };
}

function reelOf(chunks: readonly RecordedPicture[], lengthMs = 100_000) {
  const painter = new FakePainter();
  const faults: string[] = [];
  const reads: number[] = [];
  const opened = {
    lengthMs,
    startMs: Uint32Array.from(chunks, ({ atMs }) => atMs[0] ?? 0),
    pictures: Uint8Array.from(chunks, ({ keyFrame }) => (keyFrame ? 3 : 1)),
  };
  const read = (index: number) => {
    reads.push(index);
    const found = chunks[index];
    return found ? Promise.resolve(found) : Promise.reject(new Error('no chunk'));
  };
  const reel = new PictureReel({ opened, painter, read, onFault: (_, text) => void faults.push(text) });
  const show = async (atMs: number) => {
    await reel.show(atMs, new AbortController().signal);
    return painter.drawn;
  };
  return { reel, painter, faults, reads, show };
}

const three = [
  chunk(
    0,
    [
      [0, 'a'],
      [1_000, 'b'],
    ],
    true,
  ),
  chunk(1, [
    [10_000, 'c'],
    [11_000, 'd'],
  ]),
  chunk(2, [
    [20_000, 'e'],
    [90_000, 'f'],
  ]),
];

describe('the picture at a moment', () => {
  test('is all that was drawn by then, forwards and backwards, in any order', async () => {
    const { show } = reelOf(three);
    const moments: readonly (readonly [number, string])[] = [
      [0, 'a'],
      [10_500, 'abc'],
      [100_000, 'abcdef'],
      [1_000, 'ab'],
      [999, 'a'],
      [20_000, 'abcde'],
      [89_999, 'abcde'],
      [11_000, 'abcd'],
    ];
    for (const [atMs, drawn] of moments) expect([atMs, await show(atMs)]).toEqual([atMs, drawn]);
  });

  test('comes from a picture that was seen on the way, not from the beginning', async () => {
    const { show, painter } = reelOf(three);
    await show(100_000);
    const before = painter.fed;
    await show(20_500);
    expect(painter.fed - before).toBeLessThanOrEqual(1);
  });

  test('comes from a key frame of the recording, and repeats of the screen are drawn for who begins there alone', async () => {
    const repeats = [
      ...three.slice(0, 2),
      chunk(
        2,
        [
          [20_000, '[abcd]', 2],
          [20_000, 'e'],
        ],
        true,
      ),
    ];
    const through = reelOf(repeats);
    await through.show(11_000);
    expect(await through.show(30_000)).toBe('abcde');
    const directly = reelOf(repeats);
    expect(await directly.show(30_000)).toBe('[abcd]e');
    expect(directly.reads).toEqual([2]);
    expect(await directly.show(30_001)).toBe('[abcd]e');
  });

  test('takes a screen from as many chunks as it is in', async () => {
    const split = [
      ...three.slice(0, 2),
      chunk(2, [[20_000, '[ab', 2]], true),
      chunk(3, [
        [20_000, 'cd]', 2],
        [20_000, 'e'],
        [20_001, '[not]', 2],
      ]),
    ];
    const directly = reelOf(split);
    expect(await directly.show(30_000)).toBe('[abcd]e');
    const through = reelOf(split);
    await through.show(11_000);
    expect(await through.show(30_000)).toBe('abcde');
  });

  test('begins anew where another picture begins', async () => {
    const again = [...three.slice(0, 2), chunk(2, [[20_000, 'A']], true)];
    const { show } = reelOf(again);
    expect(await show(11_000)).toBe('abcd');
    expect(await show(20_000)).toBe('A');
    expect(await show(11_000)).toBe('abcd');
  });

  test('has nothing of a chunk that is wrong, which is told, and is whole again from the next key frame', async () => {
    const wrong = { ...chunk(1, []), fault: 'chunk 1: changed', atMs: new Uint32Array(0) };
    const chunks = [
      three[0] ?? expect.unreachable(),
      wrong,
      chunk(
        2,
        [
          [20_000, '[all]', 2],
          [20_100, 'e'],
        ],
        true,
      ),
    ];
    const { show, faults } = reelOf(chunks);
    expect(await show(15_000)).toBe('ab');
    expect(faults).toEqual(['chunk 1: changed']);
    expect(await show(30_000)).toBe('[all]e');
  });

  test('goes on after instructions that cannot be drawn', async () => {
    const { show, faults } = reelOf([
      chunk(
        0,
        [
          [0, 'a'],
          [1, 'bad'],
          [2, 'b'],
        ],
        true,
      ),
      chunk(1, [[10, 'c']]),
    ]);
    expect(await show(50)).toBe('ac');
    expect(faults).toEqual(['chunk 0: cannot be drawn']);
  });

  test('that is wanted no more is given up', async () => {
    const { reel, painter } = reelOf(three);
    expect(await reel.show(100_000, AbortSignal.abort())).toBe(false);
    expect(painter.drawn).toBe('');
  });

  test('knows when something is drawn next', async () => {
    const { reel, show } = reelOf([
      chunk(
        0,
        [
          [0, 'a'],
          [5_000, 's', 1],
          [9_000, 'b'],
        ],
        true,
      ),
    ]);
    await show(0);
    expect(reel.nextDrawingMs).toBe(9_000);
    await show(9_000);
    expect(reel.nextDrawingMs).toBe(Infinity);
  });
});

describe('playing', () => {
  const playing = (nextDrawingMs: number | null = null) => {
    const shown: number[] = [];
    const reel = { nextDrawingMs, show: async (atMs: number) => (shown.push(atMs), true) };
    const onFailed = () => expect.unreachable();
    const playback = new Playback({ lengthMs: 60_000, reel, nextEventMs: () => null, onFailed });
    return { playback, shown };
  };
  const until = async (fits: () => boolean) => {
    while (!fits()) await new Promise((resolve) => requestAnimationFrame(resolve));
  };

  test('goes on by itself to the end, and begins again from there', async () => {
    const { playback } = playing(Infinity);
    playback.skipIdle = true;
    playback.seek(59_000);
    playback.play();
    await until(() => !playback.playing);
    expect(playback.positionMs).toBe(60_000);
    playback.play();
    expect(playback.positionMs).toBeLessThan(60_000);
    playback.close();
  });

  test('skips what is idle to shortly before something happens, when it is asked to', async () => {
    const { playback } = playing(30_000);
    playback.play();
    await until(() => playback.positionMs > 0);
    expect(playback.positionMs).toBeGreaterThanOrEqual(29_700);
    playback.close();
    const { playback: patient } = playing(30_000);
    patient.skipIdle = false;
    patient.play();
    await until(() => patient.positionMs > 0);
    expect(patient.positionMs).toBeLessThan(10_000);
    patient.close();
  });

  test('draws the newest of what is asked for', async () => {
    const { playback, shown } = playing();
    for (let atMs = 1_000; atMs <= 50_000; atMs += 1_000) playback.seek(atMs);
    await until(() => !playback.seeking);
    expect(shown.at(-1)).toBe(50_000);
    expect(shown.length).toBeLessThan(5);
    playback.close();
  });
});
