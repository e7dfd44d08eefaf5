import { expect, test } from 'vitest';
import { FrameAnswers } from '../../../web/session/drawing/frame-answers.ts';

function answering() {
  const answered: number[] = [];
  return { answered, answers: new FrameAnswers((timestamp) => answered.push(timestamp)) };
}

test('a frame is answered when it is taken in, and once', () => {
  const { answered, answers } = answering();
  answers.taken(10);
  expect(answered).toEqual([10]);
  answers.drawn(10);
  expect(answered).toEqual([10]);
});

test('a page that does not draw answers three, and each further one when one is drawn', () => {
  const { answered, answers } = answering();
  for (const frame of [1, 2, 3, 4, 5, 6]) answers.taken(frame);
  expect(answered).toEqual([1, 2, 3]);
  answers.drawn(1);
  expect(answered).toEqual([1, 2, 3, 4]);
  answers.drawn(2);
  answers.drawn(3);
  expect(answered).toEqual([1, 2, 3, 4, 5, 6]);
});

test('what is drawn is answered with all before it, in order, whatever was left out', () => {
  const { answered, answers } = answering();
  for (const frame of [1, 2, 3, 4, 5]) answers.taken(frame);
  answers.drawn(5);
  expect(answered).toEqual([1, 2, 3, 4, 5]);
  answers.taken(6);
  expect(answered.at(-1)).toBe(6);
});

test('what the display counts as one frame is one, and what it never heard of is answered as it was drawn', () => {
  const { answered, answers } = answering();
  answers.taken(7);
  answers.taken(7);
  answers.taken(Number.NaN);
  answers.drawn(7);
  expect(answered).toEqual([7]);
  answers.drawn(9);
  expect(answered).toEqual([7, 9]);
});
