import { expect, test } from 'vitest';
import type { PlacedFrame } from '../../../../protocol/channel/frame.ts';
import { ReceivedFrames } from '../../../../protocol/channel/received-frames.ts';

const data = (number: number): PlacedFrame => ({
  ...{ kind: 'data', stream: 1, data: new Uint8Array(1) },
  place: { number, back: number === 0 ? 0 : 1 },
});

/** A clock that stands, and the one timer that was asked for. */
function received() {
  const clock = { ms: 1_000 };
  const timers: (() => void)[] = [];
  let due = 0;
  const frames = new ReceivedFrames({
    now: () => clock.ms,
    schedule: (run) => {
      timers.push(run);
      return () => void timers.splice(timers.indexOf(run), 1);
    },
    onDue: () => due++,
  });
  frames.tell();
  return { clock, frames, fire: () => timers.shift()?.(), dueSaid: () => due };
}

test('what waited for its timer is due, though the timer ran out before the clock says so', () => {
  const { clock, frames, fire, dueSaid } = received();
  clock.ms += 0.5;
  frames.tell(); // the second in a millisecond: from now on 4 KiB are told at once
  frames.add(data(0), 3_000);
  expect(frames.due).toBe(false);
  clock.ms += 1.96;
  fire();
  expect([frames.due, dueSaid()]).toEqual([true, 1]);
  expect(frames.tell()).toMatchObject({ kind: 'received', bytes: 3_000 });
  expect(frames.due).toBe(false);
});

test('what is told before its timer asks for none', () => {
  const { clock, frames, fire, dueSaid } = received();
  clock.ms += 0.5;
  frames.tell();
  frames.add(data(0), 3_000);
  frames.tell();
  fire();
  expect([frames.due, dueSaid()]).toEqual([false, 0]);
});
