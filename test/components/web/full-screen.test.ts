import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FullScreen } from '../../../web/session/full-screen.svelte.ts';

let inFull: Element | null;
let stop: () => void;
const root = document.documentElement;

beforeEach(() => {
  inFull = null;
  const change = (to: Element | null) => {
    inFull = to;
    document.dispatchEvent(new Event('fullscreenchange'));
    return Promise.resolve();
  };
  Object.defineProperty(document, 'fullscreenElement', { configurable: true, get: () => inFull });
  root.requestFullscreen = vi.fn(() => change(root));
  document.exitFullscreen = vi.fn(() => change(null));
});
afterEach(() => {
  stop();
  vi.unstubAllGlobals();
});

function watched(keyboard?: object): FullScreen {
  vi.stubGlobal('navigator', { keyboard });
  const fullScreen = new FullScreen();
  stop = fullScreen.watch();
  return fullScreen;
}

test('every key is held for the machine, and let go of when the browser leaves by its own key', async () => {
  const keyboard = { lock: vi.fn(() => Promise.resolve()), unlock: vi.fn() };
  const fullScreen = watched(keyboard);
  await fullScreen.toggle();
  expect(keyboard.lock.mock.calls).toEqual([[]]); // no list: all that there are
  expect([fullScreen.on, fullScreen.keysHeld, fullScreen.entered]).toEqual([true, true, true]);
  inFull = null;
  document.dispatchEvent(new Event('fullscreenchange'));
  expect([fullScreen.on, fullScreen.keysHeld, fullScreen.entered]).toEqual([false, false, false]);
  expect(keyboard.unlock).toHaveBeenCalled();
});

test.each([
  ['does not have them', undefined],
  ['does not allow it', { lock: () => Promise.reject(new Error('not allowed')), unlock: () => {} }],
])('a browser that %s keeps its keys, and that is known', async (_, keyboard) => {
  const fullScreen = watched(keyboard);
  await fullScreen.toggle();
  expect([fullScreen.on, fullScreen.keysHeld, fullScreen.entered]).toEqual([true, false, true]);
  await fullScreen.toggle();
  expect(fullScreen.on).toBe(false);
});
