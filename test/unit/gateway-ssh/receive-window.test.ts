import { describe, expect, it } from 'vitest';
import { firstWindow, ReceiveWindow } from '../../../gateway/ssh/receive-window.ts';

/** Plays a target that fills the window at once, drawn at a steady rate. Gives the window in the end. */
function settle(bytesPerMs: number, roundTripMs: number): number {
  let open = firstWindow;
  const window = new ReceiveWindow(
    (bytes) => (open += bytes),
    () => roundTripMs,
  );
  for (let now = 0; now < 3_000; now += 4) {
    const drawn = Math.min(open, bytesPerMs * 4);
    open -= drawn;
    window.consume(drawn, now);
  }
  return open;
}

describe('the window of a shell', () => {
  it('holds a tenth of a second of what is drawn', () => {
    expect(settle(400, 0)).toBeGreaterThan(32_000);
    expect(settle(400, 0)).toBeLessThan(60_000);
    expect(settle(4_000, 0)).toBeLessThan(450_000);
  });

  it('grows with the round trip, so that a far target is not slowed', () => {
    expect(settle(4_000, 100)).toBeGreaterThan(700_000);
  });

  it('never closes and never exceeds a mebibyte', () => {
    expect(settle(1, 0)).toBeGreaterThan(24_000);
    expect(settle(1_000_000, 1_000)).toBeLessThanOrEqual(1024 * 1024);
  });
});
