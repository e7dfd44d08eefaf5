import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SessionClock, type SessionLimits } from '../../../gateway/sessions/session-clock.ts';

const minute = 60_000;
let said: string[];

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
});
afterEach(() => vi.useRealTimers());

function clockOf(limits: Partial<SessionLimits>): SessionClock {
  return new SessionClock(
    { idleMs: 0, longestMs: 0, ...limits },
    {
      warn: (code, leftMs) => said.push(`${code} in ${leftMs}`),
      end: ({ code }) => said.push(`ended: ${code}`),
    },
  );
}

describe('a session that nobody uses', () => {
  test('is announced a minute before its end, and ends', () => {
    clockOf({ idleMs: 10 * minute }).start();
    vi.advanceTimersByTime(9 * minute - 1);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual(['idle-timeout in 60000']);
    vi.advanceTimersByTime(minute);
    expect(said.slice(1)).toEqual(['ended: idle-timeout']);
  });

  test('lives on by any input, however much of it there is, and by a word after the warning', () => {
    const clock = clockOf({ idleMs: 10 * minute });
    clock.start();
    for (let at = 0; at < 60; at++) {
      vi.advanceTimersByTime(minute);
      clock.used();
    }
    expect(said).toEqual([]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(9.5 * minute);
    clock.used();
    expect(said).toEqual(['idle-timeout in 60000', 'idle-timeout in 0']);
    vi.advanceTimersByTime(9 * minute);
    expect(said.slice(2)).toEqual(['idle-timeout in 60000']);
    vi.advanceTimersByTime(minute);
    expect(said.slice(3)).toEqual(['ended: idle-timeout']);
  });

  test('is announced half-way when a minute is all it has', () => {
    clockOf({ idleMs: minute }).start();
    vi.advanceTimersByTime(minute / 2);
    expect(said).toEqual(['idle-timeout in 30000']);
  });

  test('does not begin to count before it is open, and counts once', () => {
    const clock = clockOf({ idleMs: 2 * minute });
    vi.advanceTimersByTime(5 * minute);
    clock.start();
    vi.advanceTimersByTime(minute);
    clock.start();
    expect(said).toEqual(['idle-timeout in 60000']);
  });
});

test('a session ends at its longest, whatever is typed, and is announced before', () => {
  const clock = clockOf({ idleMs: 30 * minute, longestMs: 20 * minute });
  clock.start();
  vi.advanceTimersByTime(19 * minute);
  clock.used();
  expect(said).toEqual(['time-limit in 60000']);
  vi.advanceTimersByTime(minute);
  expect(said.slice(1)).toEqual(['ended: time-limit']);
});

test('without limits, and once it is stopped, it has no timer', () => {
  clockOf({}).start();
  expect(vi.getTimerCount()).toBe(0);
  const clock = clockOf({ idleMs: minute, longestMs: minute });
  clock.start();
  clock.stop();
  clock.used();
  clock.start();
  expect(vi.getTimerCount()).toBe(0);
});
