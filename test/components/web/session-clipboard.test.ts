import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mostCrossingBytes } from '../../../web/session/clipboard/crossing-text.ts';
import CrossingView from '../../../web/session/clipboard/CrossingView.svelte';
import {
  SessionClipboard,
  type ClipboardPlace,
} from '../../../web/session/clipboard/session-clipboard.svelte.ts';

const paste = vi.fn((_: string) => true);
const writeText = vi.fn((_: string) => Promise.resolve());
let place: { -readonly [Key in keyof ClipboardPlace]: ClipboardPlace[Key] };
let clipboard: SessionClipboard;

beforeEach(() => {
  paste.mockReset().mockReturnValue(true);
  writeText.mockReset().mockResolvedValue();
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
  const policy = { disableCopy: false, disablePaste: false, terminal: true };
  place = { screen: { paste }, policy, remark: null };
  clipboard = new SessionClipboard(place);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

describe('a paste into a terminal', () => {
  test('of one line goes at once, of several not before the person says so', () => {
    clipboard.paste('ls');
    expect(paste.mock.calls).toEqual([['ls']]);
    clipboard.paste('ls\npwd\n');
    expect(paste).toHaveBeenCalledOnce();
    expect(clipboard.pending).toMatchObject({ text: 'ls\npwd\n', lines: 2, bytes: 7 });
    clipboard.confirm('ls\npwd\n');
    expect(paste).toHaveBeenLastCalledWith('ls\npwd\n');
    expect(clipboard.pending).toBeNull();
  });

  test('in one line, and never asked about again in this session, but in the next', () => {
    clipboard.paste('a\nb');
    clipboard.confirm('a\n  b\n', { joined: true, askAgain: false });
    expect(paste).toHaveBeenLastCalledWith('a b');
    clipboard.paste('c\nd');
    expect(paste).toHaveBeenLastCalledWith('c\nd');
    clipboard.reset();
    clipboard.paste('e\nf');
    expect(clipboard.pending).not.toBeNull();
  });

  test('goes without what a terminal obeys, also when it was written into the question', () => {
    clipboard.paste('a\u001b[201~b');
    expect(paste).toHaveBeenLastCalledWith('a[201~b');
    expect(place.remark).toContain('1 × U+001B');
    clipboard.confirm('x\u0003y');
    expect(paste).toHaveBeenLastCalledWith('xy');
  });

  test('of several lines into a desktop is not asked about', () => {
    place.policy = { disableCopy: false, disablePaste: false, terminal: false };
    clipboard.paste('a\nb');
    expect(paste).toHaveBeenCalledWith('a\nb');
  });

  test.each([
    ['switched off', { disablePaste: true }, 'x', 'switched off'],
    ['empty', {}, '', 'holds no text'],
    ['of nothing but control characters', {}, '\u001b', 'holds no text'],
    ['too large', {}, 'x'.repeat(mostCrossingBytes + 1), 'too much'],
  ])('that is %s says why nothing happened', (_, policy, text, words) => {
    place.policy = { disableCopy: false, disablePaste: false, terminal: true, ...policy };
    clipboard.paste(text);
    clipboard.confirm(text);
    expect(paste).not.toHaveBeenCalled();
    expect(clipboard.pending).toBeNull();
    expect(place.remark).toContain(words);
  });

  test('while the session is away says that nothing happened', () => {
    paste.mockReturnValue(false);
    clipboard.paste('x');
    expect(place.remark).toContain('away');
  });
});

describe('a copy from the machine', () => {
  test('that follows the person’s own doing reaches their clipboard, without control characters', async () => {
    clipboard.noteUse();
    await clipboard.receive('ls\u001b[201~\n');
    expect(writeText).toHaveBeenCalledWith('ls[201~\n');
    expect(clipboard.copied).toMatchObject({ lines: 1, bytes: 8 });
    expect([clipboard.offered, place.remark]).toEqual([false, expect.stringContaining('1 line')]);
  });

  test('that follows what they did in another session, or nothing, is offered', async () => {
    new SessionClipboard(place).noteUse();
    await clipboard.receive('rm -rf /');
    expect(writeText).not.toHaveBeenCalled();
    expect(clipboard.offered).toBe(true);
  });

  test('that the browser refuses is offered, and taken at a press', async () => {
    clipboard.noteUse();
    writeText.mockRejectedValueOnce(new Error('not allowed'));
    await clipboard.receive('there');
    expect(clipboard.offered).toBe(true);
    expect(await clipboard.take()).toBe(true);
    expect([writeText.mock.lastCall, clipboard.offered]).toEqual([['there'], false]);
  });

  test('that is too large leaves what was there before, and says so', async () => {
    await clipboard.receive('before');
    await clipboard.receive(null);
    expect([clipboard.copied?.text, place.remark]).toEqual(['before', expect.stringContaining('more than')]);
  });

  test('is shown letter by letter: signs that are not drawn are named, markup is none, and length has an end', async () => {
    const text = `<img src=x onerror=alert(1)>\u202e\n${'line\n'.repeat(5_000)}`;
    const view = mount(CrossingView, { target: document.body, props: { text, label: 'Text' } });
    flushSync();
    const shown = document.querySelector('[role="group"]');
    expect(shown?.querySelector('img')).toBeNull();
    expect(shown?.textContent).toContain('<img src=x');
    expect(shown?.textContent).toContain('U+202E');
    expect(shown?.querySelectorAll('.line').length).toBe(200);
    expect(shown?.textContent).toContain('and more');
    await unmount(view);
  });
});
