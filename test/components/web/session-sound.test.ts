import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { readSoundFormat } from '../../../protocol/guacamole/sound-format.ts';
import { Samples } from '../../../web/session/sound/samples.ts';
import type { SessionSound, SoundStream } from '../../../web/session/sound/session-sound.svelte.ts';
import { runs } from '../../fuzz-runs.ts';

const form = 'audio/L16;rate=8000,channels=1';
const second = 8_000;

/** Time is the test's, and what would be played is counted. */
class HandContext extends EventTarget {
  state = 'running';
  currentTime = 1;
  readonly destination = {};
  readonly started: { readonly at: number; readonly frames: number }[] = [];
  readonly resume = vi.fn(() => this.turn('running'));
  gain = 1;

  async turn(state: string): Promise<void> {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  createGain() {
    return {
      gain: { setTargetAtTime: (value: number) => (this.gain = value) },
      ...{ connect: () => {}, disconnect: () => {} },
    };
  }

  createBuffer(_channels: number, length: number) {
    return { length, copyToChannel: () => {} };
  }

  createBufferSource() {
    const source = {
      buffer: { length: 0 },
      ...{ connect: () => {}, disconnect: () => {}, onended: () => {} },
      start: (at: number) => this.started.push({ at, frames: source.buffer.length }),
    };
    return source;
  }
}

let context: HandContext;
let sound: SessionSound;
let stream: SoundStream;
let wanted: boolean[];

beforeEach(async () => {
  vi.resetModules();
  context = new HandContext();
  vi.stubGlobal('AudioContext', function AudioContext() {
    return context;
  });
  const module = await import('../../../web/session/sound/session-sound.svelte.ts');
  wanted = [];
  sound = new module.SessionSound((said) => wanted.push(said));
  stream = { onblob: null, onend: null };
});
afterEach(() => {
  sound.close();
  vi.unstubAllGlobals();
});

/** So many samples of silence. */
const say = (samples: number) => stream.onblob?.(encodeBase64(new Uint8Array(2 * samples)));
const seconds = () => context.started.reduce((sum, { frames }) => sum + frames, 0) / second;

describe('the sound of a session', () => {
  test('is played without a gap, a moment after it began', () => {
    sound.take(stream, form);
    expect(sound.heard).toBe(true);
    for (let part = 0; part < 3; part++) say(second / 10);
    const [first, next, last] = context.started;
    expect(first?.at).toBeGreaterThan(context.currentTime);
    expect(next?.at).toBeCloseTo((first?.at ?? 0) + 0.1);
    expect(last?.at).toBeCloseTo((first?.at ?? 0) + 0.2);
  });

  test('that has no end is never more than half a second ahead, in few parts', () => {
    sound.take(stream, form);
    for (let part = 0; part < 10_000; part++) say(1 + (part % 7));
    expect(seconds()).toBeLessThanOrEqual(0.5);
    expect(context.started.length).toBeLessThanOrEqual(25);
    context.currentTime += 10;
    say(second / 10);
    expect(context.started.at(-1)?.at).toBeGreaterThan(context.currentTime);
  });

  test('is not kept for later while the browser plays nothing; a gesture begins it', async () => {
    await context.turn('suspended');
    context.resume.mockImplementation(() => Promise.resolve());
    sound.take(stream, form);
    expect(sound.blocked).toBe(true);
    for (let part = 0; part < 30; part++) say(second);
    expect(context.started).toEqual([]);
    context.resume.mockImplementation(() => context.turn('running'));
    document.dispatchEvent(new Event('pointerdown'));
    await vi.waitFor(() => expect(sound.blocked).toBe(false));
    say(second / 10);
    expect(seconds()).toBeCloseTo(0.1);
  });

  test('is muted and let be heard again, softer and louder', () => {
    sound.take(stream, form);
    sound.setMuted(true);
    say(second / 10);
    expect([context.gain, seconds()]).toEqual([0, 0]);
    for (let time = 0; time < 20; time++) sound.step(-1);
    expect([sound.muted, sound.volume, context.gain]).toEqual([false, 0.1, 0.1]);
    for (let time = 0; time < 20; time++) sound.step(1);
    expect(sound.volume).toBe(1);
  });

  test('is wanted or not, which is said once when it changes, and again to a session that begins muted', () => {
    sound.take(stream, form);
    expect(wanted).toEqual([]);
    sound.setMuted(true);
    sound.setMuted(true);
    expect(wanted).toEqual([false]);
    sound.close();
    sound.take(stream, form);
    expect(wanted).toEqual([false, false]);
    sound.step(1); // louder is not muted
    sound.step(1);
    expect(wanted).toEqual([false, false, true]);
  });

  test('of another form, and what is no base64, is silent', () => {
    sound.take(stream, 'audio/ogg');
    expect([sound.heard, stream.onblob]).toEqual([false, null]);
    sound.take(stream, form);
    for (const text of ['%', 'a', '\u0000', '====']) stream.onblob?.(text);
    expect(context.started).toEqual([]);
  });
});

test('samples are the same in whatever pieces they come', () => {
  const formats = fc.constantFrom(
    ...['audio/L16;rate=8000,channels=2', 'audio/L8;rate=8000,channels=1', form].map(readSoundFormat),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 2_000, maxLength: 4_000 }),
      fc.integer({ min: 1, max: 999 }),
      formats,
      (bytes, cut, format) => {
        if (format === null) throw new Error('no format');
        const whole = new Samples(format).add(bytes)?.[0];
        const pieces = new Samples(format);
        const heard: number[] = [];
        for (let at = 0; at < bytes.length; at += cut)
          heard.push(...(pieces.add(bytes.subarray(at, at + cut))?.[0] ?? []));
        expect(heard).toEqual([...(whole ?? [])].slice(0, heard.length));
        expect(heard.every((sample) => sample >= -1 && sample < 1)).toBe(true);
        const frame = format.bytes * format.channels;
        expect(heard.length * frame).toBeGreaterThan(bytes.length - 0.02 * format.rate * frame - cut);
      },
    ),
    { numRuns: runs(100) },
  );
});

test('whatever a machine calls its sound is a form or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^audio\/L\d+;rate=\d+,channels=\d$/)), (text) => {
      const format = readSoundFormat(text);
      if (format !== null) expect(format.rate >= 8_000 && format.rate <= 96_000).toBe(true);
    }),
    { numRuns: runs(100) },
  );
});
