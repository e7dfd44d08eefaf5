import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { OutputFlow } from '../../../gateway/ssh/output-flow.ts';
import { runs } from '../../fuzz-runs.ts';

function setUp() {
  const written: Buffer[] = [];
  const questions: (() => void)[] = [];
  const state = { taken: 0, overrun: false };
  const to = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _, done) => (written.push(chunk), done()),
  });
  const flow = new OutputFlow({
    to,
    ask: (onAnswer) => questions.push(onAnswer),
    onTaken: (bytes) => (state.taken += bytes),
    onOverrun: () => (state.overrun = true),
  });
  return { flow, to, questions, state, bytes: () => Buffer.concat(written) };
}

describe('output to guacd', () => {
  it('comes whole and in order, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 12 }), (chunks) => {
        const { flow, questions, bytes } = setUp();
        for (const chunk of chunks) flow.push(chunk);
        for (let answer = questions.shift(); answer; answer = questions.shift()) answer();
        expect(bytes().equals(Buffer.concat(chunks))).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });

  it('is held back until it may go on, once guacd has taken what it had', async () => {
    const { flow, questions, state, bytes } = setUp();
    flow.push(Buffer.from('before '));
    const holding = [flow.hold(), flow.hold()];
    flow.push(Buffer.from('after'));
    for (const answer of questions.splice(0)) answer();
    const [first, second] = await Promise.all(holding);
    expect([bytes().toString(), state.taken]).toEqual(['before ', 7]);
    first?.();
    first?.();
    expect(bytes().toString()).toBe('before ');
    second?.();
    expect(bytes().toString()).toBe('before after');
  });

  it('waits for guacd after 4 KiB', () => {
    const { flow, questions, state, bytes } = setUp();
    flow.push(new Uint8Array(10_000));
    expect(bytes().length).toBe(4096);
    expect(state.taken).toBe(0);
    questions.shift()?.();
    expect(bytes().length).toBe(8192);
    expect(state.taken).toBe(4096);
  });

  describe('of a shell that has ended', () => {
    it('is given to guacd to its last byte', async () => {
      const { flow, questions, bytes } = setUp();
      flow.push(new Uint8Array(10_000));
      let all = false;
      const taken = flow.taken().then(() => (all = true));
      await Promise.resolve(questions.shift()?.());
      expect([bytes().length, all]).toEqual([8192, false]);
      await Promise.resolve(questions.shift()?.());
      expect([bytes().length, all]).toEqual([10_000, false]);
      questions.shift()?.();
      await taken;
    });

    it('has been taken when guacd says so, when none is left too', async () => {
      const { flow, questions } = setUp();
      const taken = flow.taken();
      questions.shift()?.();
      await taken;
    });

    it('waits for what a change of size holds back', async () => {
      const { flow, questions, bytes } = setUp();
      const held = flow.hold();
      flow.push(Buffer.from('last words'));
      const taken = flow.taken();
      questions.shift()?.();
      (await held)();
      questions.shift()?.();
      await taken;
      expect(bytes().toString()).toBe('last words');
    });

    it('is not waited for when guacd reads nothing for five seconds, nor when it has left', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        const { flow, questions, bytes } = setUp();
        flow.push(new Uint8Array(20_000));
        let all = false;
        const taken = flow.taken().then(() => (all = true));
        await vi.advanceTimersByTimeAsync(4_999);
        questions.shift()?.();
        await vi.advanceTimersByTimeAsync(4_999);
        expect([bytes().length, all]).toEqual([8192, false]);
        await vi.advanceTimersByTimeAsync(1);
        await taken;
        expect(bytes().length).toBe(8192);
      } finally {
        vi.useRealTimers();
      }
      const { flow, to } = setUp();
      flow.push(new Uint8Array(10_000));
      to.destroy();
      await flow.taken();
    });
  });

  it('lets a keystroke through without a question', () => {
    const { flow, questions, bytes } = setUp();
    flow.push(Buffer.from('a'));
    expect(bytes().toString()).toBe('a');
    expect(questions).toEqual([]);
  });

  it('says so when a target ignores its window', () => {
    const { flow, state } = setUp();
    for (let i = 0; i < 5; i++) flow.push(new Uint8Array(1024 * 1024));
    expect(state.overrun).toBe(true);
  });
});
