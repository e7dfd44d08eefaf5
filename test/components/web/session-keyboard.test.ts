import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { Session } from '../../../web/session/session.svelte.ts';
import { SessionEvents } from '../../../web/session/session-events.ts';
import type { SessionServices } from '../../../web/session/run-targets.ts';
import { bindShortcuts } from '../../../web/shell/shortcuts.ts';
import { press } from './app-page.ts';
import SessionViewHarness from './SessionViewHarness.svelte';
import { Shown } from './shown.svelte.ts';

let mounted: ReturnType<typeof mount>;
let sessions: readonly [Session, Session];
let tab: Shown;
const keysOf = (at: 1 | 2) => document.querySelectorAll('textarea.keys')[at - 1];
const find = (name: string, at = 0) =>
  [...document.querySelectorAll('button')].filter((one) => one.textContent?.trim() === name)[at];

beforeEach(() => {
  const services = { verbs: {}, peers: {}, events: new SessionEvents() } as unknown as SessionServices;
  const sessionOf = (name: string) => new Session(name, { recordUid: newUid(), title: name }, services);
  sessions = [sessionOf('1'), sessionOf('2')];
  for (const session of sessions) session.phase = 'open';
  tab = new Shown('1');
  mounted = mount(SessionViewHarness, { target: document.body, props: { sessions, tab } });
  flushSync();
});
afterEach(async () => {
  await unmount(mounted);
  document.body.replaceChildren();
});

describe('the keyboard', () => {
  test('is the session’s once that is open, and goes to the one beside it with the tab', () => {
    expect(document.activeElement).toBe(keysOf(1));
    tab.now = '2';
    flushSync();
    expect(document.activeElement).toBe(keysOf(2));
  });

  test('stays at the bar of the session to which somebody came by Tab', () => {
    const disconnect = find('Disconnect', 1);
    disconnect?.focus();
    tab.now = '2';
    flushSync();
    expect(document.activeElement).toBe(disconnect);
  });

  test('is not taken by a session that is back from who is asked something', () => {
    sessions[0].phase = 'reconnecting';
    flushSync();
    const dialog = document.createElement('div');
    dialog.setAttribute('role', 'dialog');
    dialog.tabIndex = -1;
    document.body.append(dialog);
    dialog.focus();
    sessions[0].phase = 'open';
    flushSync();
    expect(document.activeElement).toBe(dialog);
  });

  test('is the session’s again when it is back, and after a copy was put away', async () => {
    sessions[0].phase = 'reconnecting';
    flushSync();
    expect(document.activeElement).not.toBe(keysOf(1));
    sessions[0].phase = 'open';
    flushSync();
    expect(document.activeElement).toBe(keysOf(1));
    await sessions[0].clipboard.receive('text');
    flushSync();
    find('Dismiss')?.focus();
    find('Dismiss')?.click();
    flushSync();
    expect(document.activeElement).toBe(keysOf(1));
  });

  test('comes from the bar to what lies over the screen before it comes to the screen', () => {
    sessions[0].panel = 'keys';
    flushSync();
    const panel = document.querySelector('section[aria-labelledby]');
    const screen = keysOf(1);
    if (!panel || !screen) throw new Error('there is no panel');
    expect(panel.compareDocumentPosition(screen) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });
});

test('what is typed to nobody while a session shows is no shortcut of the vault', () => {
  const newRecord = vi.fn();
  let inSession = true;
  const nothing = () => {};
  const stop = bindShortcuts({
    ...{ palette: nothing, search: nothing, help: nothing, lock: nothing, go: nothing, newRecord },
    inSession: () => inSession,
  });
  press('n', document.body);
  expect(newRecord).not.toHaveBeenCalled();
  inSession = false;
  press('n', document.body);
  expect(newRecord).toHaveBeenCalledOnce();
  stop();
});
