import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test } from 'vitest';
import type { Session } from '../../../web/session/session.svelte.ts';
import ClipboardPanelHarness from './ClipboardPanelHarness.svelte';

let mounted: object | null = null;
afterEach(() => {
  if (mounted) void unmount(mounted);
  mounted = null;
  document.body.replaceChildren();
});

/** What the panel says of a text that came at that moment. */
function figuresAt(at: number): string {
  if (mounted) void unmount(mounted);
  const copied = { at, text: 'one', lines: 1, bytes: 3, removed: new Map() };
  const session = { title: 'web-1', policy: null, clipboard: { copied, asks: false } } as unknown as Session;
  mounted = mount(ClipboardPanelHarness, { target: document.body, props: { session } });
  flushSync();
  return document.querySelector('.figures')?.textContent ?? '';
}

test('the same text that was copied again within the minute is told apart from what was there', () => {
  const first = Date.UTC(2026, 10, 23, 16, 38, 10);
  expect(figuresAt(first)).toContain('1 line');
  expect(figuresAt(first)).not.toBe(figuresAt(first + 5_000));
});
