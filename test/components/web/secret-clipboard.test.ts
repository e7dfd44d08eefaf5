import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SecretClipboard } from '../../../web/state/secret-clipboard.svelte.ts';

let held = '';
let readable: 'granted' | 'prompt';

beforeEach(() => {
  vi.useFakeTimers();
  held = '';
  readable = 'granted';
  vi.stubGlobal('navigator', {
    clipboard: {
      writeText: async (text: string) => void (held = text),
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

  test('a page without focus waits for it', async () => {
    const clipboard = new SecretClipboard();
    await clipboard.copy('Password', 's3cret');
    vi.mocked(document.hasFocus).mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(held).toBe('s3cret');
    window.dispatchEvent(new Event('focus'));
    await vi.advanceTimersByTimeAsync(0);
    expect(held).toBe('');
  });
});
