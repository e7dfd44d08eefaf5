import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import EndingNotice from '../../../web/session/EndingNotice.svelte';
import Reconnecting from '../../../web/session/Reconnecting.svelte';
import type { Session } from '../../../web/session/session.svelte.ts';
import { watermarkText } from '../../../web/session/watermark-text.ts';
import { formatProblem } from '../../../web/vault/fields/text-formats.ts';
import { button } from './app-page.ts';

let mounted: object | null = null;
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  if (mounted) void unmount(mounted);
  mounted = null;
  document.body.replaceChildren();
  vi.useRealTimers();
});

function show(code: string) {
  const [stayConnected, onstay] = [vi.fn(), vi.fn()];
  const session = { stayConnected } as unknown as Session;
  const ending = { code, at: performance.now() + 60_000 };
  mounted = mount(EndingNotice, { target: document.body, props: { session, ending, onstay } });
  flushSync();
  return { stayConnected, onstay };
}

const timer = () => document.querySelector('[role=timer]')?.textContent;

test('an idle session says how long it has, and stays when its person says so', () => {
  const { stayConnected, onstay } = show('idle-timeout');
  expect(document.querySelector('[role=alert]')?.textContent).toContain('Nobody has used this session');
  expect(timer()).toBe('Ends in 60 s');
  vi.advanceTimersByTime(10_000);
  flushSync();
  expect(timer()).toBe('Ends in 50 s');
  button('Stay connected').click();
  expect(stayConnected).toHaveBeenCalledOnce();
  expect(onstay).toHaveBeenCalledOnce();
});

test('a session that is over by its length offers nothing', () => {
  show('time-limit');
  expect(document.querySelector('[role=alert]')?.textContent).toContain('almost over');
  expect(document.querySelector('button')).toBeNull();
});

describe('while a session is away', () => {
  const session = { title: 'web-1', disconnect: vi.fn() } as unknown as Session;
  function away(focused: string): void {
    document.body.innerHTML = `<div data-session="open"><textarea class="keys"></textarea><input></div>`;
    document.querySelector<HTMLElement>(focused)?.focus();
    mounted = mount(Reconnecting, { target: document.body, props: { session } });
    flushSync();
  }

  test('what is typed is for nobody, and the notice says so', () => {
    away('textarea');
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Reconnecting to web-1');
    expect(document.activeElement?.textContent).toContain('does not reach it');
  });

  test('who writes beside it is not disturbed', () => {
    away('input');
    expect(document.activeElement?.tagName).toBe('INPUT');
  });
});

test('a watermark says who, where and when', () => {
  const at = new Date(2026, 10, 2, 9, 5);
  expect(watermarkText('ada@example.org', 'web-1', at)).toBe('ada@example.org · web-1 · 2026-11-02 09:05');
});

test.each(['0', '-1', '1.5', '10081', 'ten'])('%s is no limit in minutes', (text) => {
  expect(formatProblem('minutes', text)).not.toBeNull();
});
test.each(['1', '15', '10080'])('%s is one', (text) => expect(formatProblem('minutes', text)).toBeNull());
