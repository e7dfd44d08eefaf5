import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SecretClipboard } from '../../../web/state/secret-clipboard.svelte.ts';

let held = '';
let allowed = true;
let readable: 'granted' | 'prompt';

beforeEach(() => {
  vi.useFakeTimers();
  held = '';
  allowed = true;
  readable = 'granted';
  vi.stubGlobal('navigator', {
    clipboard: {
      writeText: async (text: string) => {
        if (!document.hasFocus() || !allowed) throw new Error('NotAllowedError');
        held = text;
      },
      readText: async () => {
        if (readable !== 'granted') throw new Error('a prompt would appear');
        return held;
      },
    },
    permissions: { query: async () => ({ state: readable }) },
  });
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('a copied secret', () => {
  test('counts down and leaves the clipboard after 30 seconds', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    expect([held, clipboard.copied, clipboard.secondsLeft]).toEqual(['s3cret', 'Password', 30]);
    await vi.advanceTimersByTimeAsync(29_000);
    expect([held, clipboard.secondsLeft]).toEqual(['s3cret', 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([held, clipboard.copied]).toEqual(['', null]);
  });

  test('what was copied since then is left alone', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    held = 'something else';
    await vi.advanceTimersByTimeAsync(30_000);
    expect(held).toBe('something else');
  });

  test('where reading is not allowed it is emptied without asking', async () => {
    readable = 'prompt';
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(held).toBe('');
  });

  test('without focus it stays, is said to stay, and goes as soon as the person is back', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    vi.mocked(document.hasFocus).mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect([held, clipboard.copied, clipboard.waiting]).toEqual(['s3cret', 'Password', true]);
    vi.mocked(document.hasFocus).mockReturnValue(true);
    window.dispatchEvent(new Event('focus'));
    await vi.advanceTimersByTimeAsync(0);
    expect([held, clipboard.copied, clipboard.waiting]).toEqual(['', null, false]);
  });

  test('a browser that wants a click gets the next one', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    allowed = false;
    await vi.advanceTimersByTimeAsync(30_000);
    window.dispatchEvent(new Event('focus'));
    await vi.advanceTimersByTimeAsync(0);
    expect([held, clipboard.waiting]).toEqual(['s3cret', true]);
    allowed = true;
    window.dispatchEvent(new Event('pointerdown'));
    await vi.advanceTimersByTimeAsync(0);
    expect([held, clipboard.waiting]).toEqual(['', false]);
  });

  test('is tried at the deadline where the browser allows it without focus', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    vi.mocked(document.hasFocus).mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(write).toHaveBeenCalledWith('');
    expect(clipboard.copied).toBeNull();
  });

  test('another secret that is copied while one waits has its own time', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    allowed = false;
    await vi.advanceTimersByTimeAsync(30_000);
    allowed = true;
    await clipboard.copy('Token', 'other');
    window.dispatchEvent(new Event('focus'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect([held, clipboard.waiting, clipboard.secondsLeft]).toEqual(['other', false, 29]);
  });

  test('goes with the page, when the browser lets it', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    window.dispatchEvent(new Event('pagehide'));
    await vi.advanceTimersByTimeAsync(0);
    expect(held).toBe('');
  });
});
