import { beforeEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { Sessions } from '../../../web/session/sessions.svelte.ts';
import { titleOfTab } from '../../../web/session/tab-title.ts';
import type { Place } from '../../../web/state/place.ts';

let place: Place;
let sessions: Sessions;
const seen = (tab: string) => sessions.seenWith(tab).map((session) => session.tab);

beforeEach(() => {
  localStorage.clear();
  sessions = fiveSessions();
});

function fiveSessions(): Sessions {
  const route = {
    get place() {
      return place;
    },
    go: vi.fn((to: Place) => (place = to)),
  };
  const verbs = { watchSessions: () => Promise.resolve() };
  const made = new Sessions(
    ...([{ verbs }, route, { fail: () => {} }] as unknown as ConstructorParameters<typeof Sessions>),
  );
  for (let at = 0; at < 5; at++) made.connect({ recordUid: newUid(), title: `machine ${at}` });
  return made;
}

test('one session is seen alone; with tiles its neighbours are seen too, and never one twice', () => {
  expect(seen('3')).toEqual(['3']);
  sessions.tiles = 2;
  expect([seen('1'), seen('2'), seen('3'), seen('5')]).toEqual([['1', '2'], ['1', '2'], ['3', '4'], ['5']]);
  sessions.tiles = 4;
  expect([seen('4'), seen('5'), seen('9')]).toEqual([['1', '2', '3', '4'], ['5'], []]);
});

test.each([
  ['2', 2],
  ['3', 1],
  ['', 1],
])('how many are seen at once is kept on the device; what was kept as %j is %i', (kept, tiles) => {
  sessions.tiles = 4;
  expect(fiveSessions().tiles).toBe(4);
  localStorage.setItem('sallyport.tiles', kept);
  expect(fiveSessions().tiles).toBe(tiles);
});

test('going beside goes round, and gives the keyboard to that session', () => {
  sessions.tiles = 4;
  const takes = (tab: string) => sessions.find(tab)?.takes;
  sessions.showBeside('4', 1);
  expect([place, takes('1')]).toEqual([{ page: 'session', tab: '1' }, 1]);
  sessions.showBeside('1', -1);
  expect([place, takes('4')]).toEqual([{ page: 'session', tab: '4' }, 1]);
});

test('the browser’s tab says the machine and how it stands', () => {
  expect(titleOfTab({ title: 'Build server', phase: 'reconnecting' })).toBe('Build server – reconnecting');
  expect(titleOfTab(null)).toBe('Session');
});
