import { beforeEach, expect, test } from 'vitest';
import { IdleLock } from '../../../workers/engine/account/idle-lock.ts';
import { HandClock } from '../../fakes/hand-clock.ts';

const minute = 60_000;
let clock: HandClock;
let locks: number;
let idle: IdleLock;

beforeEach(() => {
  clock = new HandClock();
  locks = 0;
  idle = new IdleLock(clock, () => {
    locks++;
    idle.disarm();
  });
  idle.set(5);
  idle.arm();
});

test('locks once after the time without use, and not before', () => {
  clock.advance(5 * minute - 1);
  expect(locks).toBe(0);
  clock.advance(1);
  expect(locks).toBe(1);
  clock.advance(60 * minute);
  expect([locks, clock.timers]).toEqual([1, 0]);
});

test('use moves the deadline, whoever often, with one timer', () => {
  for (let i = 0; i < 20; i++) {
    clock.advance(4 * minute);
    idle.reportUse();
    expect(clock.timers).toBe(1);
  }
  expect(locks).toBe(0);
  clock.advance(5 * minute);
  expect(locks).toBe(1);
});

test('a device that slept past the deadline locks at its first sign of use', () => {
  clock.sleep(60 * minute);
  idle.reportUse();
  expect(locks).toBe(1);
});

test('0 is never; a shorter time counts from now', () => {
  idle.set(0);
  clock.advance(10_000 * minute);
  expect([locks, clock.timers]).toEqual([0, 0]);
  idle.set(1);
  clock.advance(minute);
  expect(locks).toBe(1);
});

test('nothing runs while the vault is locked', () => {
  idle.disarm();
  idle.set(1);
  idle.reportUse();
  clock.advance(60 * minute);
  expect([locks, clock.timers]).toEqual([0, 0]);
});
