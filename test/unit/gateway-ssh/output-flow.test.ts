import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  return { flow, questions, state, bytes: () => Buffer.concat(written) };
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
