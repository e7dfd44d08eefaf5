import { describe, expect, test } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { SessionEvent } from '../../../workers/api.ts';
import { LegTrail } from '../../../web/session/legs.svelte.ts';
import { SessionEvents } from '../../../web/session/session-events.ts';
import { hashOf, parsePlace, vaultPlace, type Place } from '../../../web/state/place.ts';

const candidate = (sessionUid: SessionEvent['sessionUid'], text: string): SessionEvent => ({
  kind: 'candidate',
  sessionUid,
  candidate: text,
  mid: '0',
});

describe('events of sessions', () => {
  test('what comes before anybody listens is kept, in order, for its own session', () => {
    const events = new SessionEvents();
    const [mine, other] = [newUid(), newUid()];
    for (const [uid, text] of [
      [mine, 'a'],
      [other, 'x'],
      [mine, 'b'],
    ] as const)
      events.dispatch(candidate(uid, text));
    const heard: SessionEvent[] = [];
    events.listen(mine, (event) => heard.push(event));
    events.dispatch(candidate(mine, 'c'));
    expect(heard.map((event) => event.kind === 'candidate' && event.candidate)).toEqual(['a', 'b', 'c']);
  });

  test('the wait is bounded', () => {
    const events = new SessionEvents();
    const uid = newUid();
    for (let i = 0; i < 1_000; i++) events.dispatch(candidate(uid, String(i)));
    const heard: SessionEvent[] = [];
    events.listen(uid, (event) => heard.push(event));
    expect(heard.length).toBeLessThanOrEqual(128);
  });

  test('after the end of listening nothing is heard', () => {
    const events = new SessionEvents();
    const uid = newUid();
    const heard: SessionEvent[] = [];
    events.listen(uid, (event) => heard.push(event))();
    events.dispatch(candidate(uid, 'late'));
    expect(heard).toEqual([]);
  });
});

describe('the legs of a connection', () => {
  test('a failure that names no leg is put on the one under way', () => {
    const trail = new LegTrail();
    trail.start('router');
    trail.done('router');
    trail.start('gateway');
    expect(trail.fail(null)).toBe('gateway');
    expect(trail.legs.map(({ state }) => state).slice(0, 3)).toEqual(['done', 'failed', 'waiting']);
  });

  test('a jump machine is a leg once something is heard of it, in front of the machine', () => {
    const names = (trail: LegTrail) => trail.legs.map(({ name }) => name);
    const trail = new LegTrail();
    expect(names(trail)).not.toContain('jump');
    trail.start('jump');
    expect(names(trail)).toEqual(['router', 'gateway', 'ice', 'guacd', 'jump', 'target', 'login']);
    const other = new LegTrail();
    expect(other.fail('jump')).toBe('jump');
    expect(other.legs.find(({ name }) => name === 'jump')?.state).toBe('failed');
  });

  test('a leg that is done does not start again', () => {
    const trail = new LegTrail();
    trail.start('guacd');
    trail.done('guacd');
    trail.start('guacd');
    expect(trail.legs.find(({ name }) => name === 'guacd')?.state).toBe('done');
  });

  test('each leg that ended says how long it took', () => {
    const trail = new LegTrail();
    trail.start('target');
    trail.done('target');
    expect(trail.legs.find(({ name }) => name === 'target')?.elapsedMs).toBeGreaterThanOrEqual(0);
  });
});

describe('places in the address bar', () => {
  const uid = newUid();
  const places: Place[] = [
    vaultPlace,
    { page: 'vault', recordUid: uid, editing: false },
    { page: 'vault', recordUid: uid, editing: true },
    { page: 'new', type: 'pamMachine' },
    { page: 'gateways' },
    { page: 'settings' },
    { page: 'session', tab: '3' },
  ];

  test.each(places)('%j comes back as it was', (place) => {
    expect(parsePlace(hashOf(place))).toEqual(place);
  });

  test.each(['', '#', '#/nowhere', '#/vault/short', '#setup=x', '#/new', '#/vault/<script>'])(
    '%j leads to the vault',
    (hash) => expect(parsePlace(hash)).toEqual(vaultPlace),
  );
});
