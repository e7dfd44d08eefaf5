import { mount, unmount } from 'svelte';
import { afterEach, expect, test } from 'vitest';
import RecordingMark from '../../../web/session/RecordingMark.svelte';

let mounted: object | null = null;
afterEach(() => {
  if (mounted) void unmount(mounted);
  mounted = null;
});

function markOf(change: object): HTMLElement | null {
  const notice = { graphical: true, text: true, keys: false, clipboard: false, failed: false, ...change };
  mounted = mount(RecordingMark, { target: document.body, props: { notice } });
  return document.querySelector<HTMLElement>('[role=status]');
}

test.each([
  [{}, 'picture and text'],
  [{ graphical: false }, 'picture and text'],
  [{ keys: true, clipboard: true }, 'picture and clipboard, text, and keystrokes'],
])('says that and what is recorded: %j', (change, what) => {
  const mark = markOf(change);
  expect(mark?.textContent?.replace(/\s+/g, ' ').trim()).toBe(`Recorded: ${what}`);
  expect(mark?.title).toBe(`Recorded: ${what}`);
});

test('says when it should be recorded and is not', () => {
  expect(markOf({ failed: true })?.textContent?.trim()).toBe('Not recorded');
});
