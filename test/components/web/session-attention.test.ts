import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { Attention } from '../../../web/session/drawing/pace.ts';
import type { RemoteScreen } from '../../../web/session/screen/remote-screen.ts';
import type { SessionServices } from '../../../web/session/run-targets.ts';
import { SessionEvents } from '../../../web/session/session-events.ts';
import { Session } from '../../../web/session/session.svelte.ts';
import SessionViewHarness from './SessionViewHarness.svelte';
import { Shown } from './shown.svelte.ts';

let mounted: ReturnType<typeof mount>;
let sessions: readonly Session[];
let screens: { attention: Attention | null }[];
let tab: Shown;
let away: Shown;

const newScreen = () => {
  const screen = { attention: null, element: document.createElement('div'), attach: () => () => {} };
  screens.push(screen);
  return screen as unknown as RemoteScreen;
};
const attentions = () => {
  flushSync();
  return screens.map(({ attention }) => attention);
};

beforeEach(() => {
  screens = [];
  const services = { verbs: {}, peers: {}, events: new SessionEvents() } as unknown as SessionServices;
  sessions = ['1', '2', '3'].map((name) => new Session(name, { recordUid: newUid(), title: name }, services));
  for (const session of sessions) Object.assign(session, { phase: 'open', screen: newScreen() });
  [tab, away] = [new Shown('1'), new Shown('3')];
  mounted = mount(SessionViewHarness, { target: document.body, props: { sessions, tab, away } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await unmount(mounted);
  document.body.replaceChildren();
});

test('the one with the keyboard, those beside it and the one that is not seen are told so, and of every change', () => {
  expect(attentions()).toEqual(['keyboard', 'beside', 'unseen']);
  tab.now = '2';
  expect(attentions()).toEqual(['beside', 'keyboard', 'unseen']);
  away.now = '1';
  expect(attentions()).toEqual(['unseen', 'keyboard', 'beside']);
});

test('of a page that is not shown no session is seen, until it is shown again', () => {
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(attentions()).toEqual(['unseen', 'unseen', 'unseen']);
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(attentions()).toEqual(['keyboard', 'beside', 'unseen']);
});

test('a session that begins anew is told with its new screen', () => {
  const [first] = sessions;
  if (first === undefined) throw new Error('there is no session');
  expect(attentions()[0]).toBe('keyboard');
  first.screen = newScreen();
  expect(attentions()[3]).toBe('keyboard');
});
