// How soon a session goes through the server, by the clock of the test: nothing of it may wait for a search to fail.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { Approach, headStartMs, type Way } from '../../../web/session/way/approach.ts';
import type { DetourLink } from '../../../web/session/way/detour-link.ts';
import type { PeerLink } from '../../../web/session/way/peer-link.ts';

/** What the product promises from the gateway's answer to a way that carries, where there is no path. */
const promisedMs = 2_000;
const carrier = {} as Carrier;
const offer = { detourUid: newUid() };
const noPath = () => new ProtocolError('unavailable', 'no path');

interface Link {
  readonly opened: Promise<Carrier>;
  readonly opening: PromiseWithResolvers<Carrier>;
  readonly close: ReturnType<typeof vi.fn>;
}

function link(): Link {
  const opening = Promise.withResolvers<Carrier>();
  opening.promise.catch(() => {});
  return { opened: opening.promise, opening, close: vi.fn() };
}

let direct: Link;
let detours: Link[];
let ways: Way[];
let approach: Approach;

beforeEach(() => {
  vi.useFakeTimers();
  [direct, detours, ways] = [link(), [], []];
  approach = new Approach({
    direct: direct as unknown as PeerLink,
    openDetour: () => {
      const detour = link();
      detours.push(detour);
      return detour as unknown as DetourLink;
    },
    onWay: (way) => ways.push(way),
  });
});
afterEach(() => void vi.useRealTimers());

test('the way through the server is begun while the search goes on, with half of the promised time left', async () => {
  expect(headStartMs).toBeLessThanOrEqual(promisedMs / 2);
  approach.answered(offer);
  await vi.advanceTimersByTimeAsync(headStartMs - 1);
  expect(detours).toHaveLength(0); // most searches have found by then, and need none
  await vi.advanceTimersByTimeAsync(1);
  expect(detours).toHaveLength(1);
  detours[0]?.opening.resolve(carrier);
  await approach.opened;
  expect(ways).toEqual([detours[0]]);
  expect(approach.trying).toBe(true); // and is not called off: a peer connection is the better way
});

test('a search that fails sooner gives the way through the server its time too', async () => {
  approach.answered(offer);
  direct.opening.reject(noPath());
  await vi.advanceTimersByTimeAsync(0);
  expect(detours).toHaveLength(1);
});

test('a search that failed before the gateway answered costs no head start', async () => {
  direct.opening.reject(noPath());
  await vi.advanceTimersByTimeAsync(0);
  expect(detours).toHaveLength(0);
  approach.answered(offer);
  expect(detours).toHaveLength(1);
});

test('a peer connection that comes up meanwhile is taken, and the detour is let go of', async () => {
  approach.answered(offer);
  await vi.advanceTimersByTimeAsync(headStartMs);
  direct.opening.resolve(carrier);
  await approach.opened;
  expect(ways).toEqual([direct]);
  expect(detours[0]?.close).toHaveBeenCalledOnce();
  detours[0]?.opening.resolve(carrier);
  await vi.runAllTimersAsync();
  expect(ways).toEqual([direct]);
});

test('a peer connection that comes up after the detour takes over from it', async () => {
  approach.answered(offer);
  await vi.advanceTimersByTimeAsync(headStartMs);
  detours[0]?.opening.resolve(carrier);
  await approach.opened;
  direct.opening.resolve(carrier);
  await vi.runAllTimersAsync();
  expect(ways).toEqual([detours[0], direct]);
});

test('without either way it is over, and it is known whose word the other one failed by', async () => {
  approach.answered({ refusedBy: 'gateway' });
  await vi.advanceTimersByTimeAsync(headStartMs);
  direct.opening.reject(noPath());
  await expect(approach.opened).rejects.toMatchObject({ code: 'unavailable' });
  expect([approach.noDetour, detours.length]).toEqual(['gateway', 0]);
});
