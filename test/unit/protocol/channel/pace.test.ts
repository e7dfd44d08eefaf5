import { expect, test } from 'vitest';
import { Pace } from '../../../../protocol/channel/pace.ts';

test('what may go out at once is bounded, and the rest follows at its rate', () => {
  let now = 1_000;
  const pace = new Pace(() => now);
  now += 60_000;
  let sent = 0;
  const send = () => {
    while (pace.wait(100, 4_000) === 0) {
      pace.spend(1_000);
      sent += 1_000;
    }
  };
  send();
  expect(sent).toBe(4_000);
  for (let ms = 0; ms < 200; ms++) {
    now++;
    send();
  }
  expect(sent).toBe(4_000 + 200 * 100);
});

test('the wait is long enough for something to go out, and no longer than for a few frames', () => {
  let now = 0;
  const pace = new Pace(() => now);
  pace.spend(1_500);
  const ms = pace.wait(100, 2_000);
  expect(ms).toBeLessThanOrEqual(1_500 / 100 + 11);
  now += ms;
  expect(pace.wait(100, 2_000)).toBe(0);
});

test('what went out without asking, at the rate of a shorter path, holds nothing up for long', () => {
  let now = 0;
  const pace = new Pace(() => now);
  pace.spend(1e10);
  const ms = pace.wait(100, 2_000);
  expect(ms).toBeLessThanOrEqual(2_000 / 100 + 11);
  now += ms;
  expect(pace.wait(100, 2_000)).toBe(0);
});
