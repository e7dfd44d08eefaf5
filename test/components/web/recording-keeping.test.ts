// How administrators set what is kept of recordings, and what they are asked before any goes.
import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, enter, openApp, shows } from './app-page.ts';

afterEach(closeApp);

const press = (name: string) => {
  button(name).click();
  flushSync();
};

test('less room than is taken is asked about, also where the oldest went before', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  const usual = await fake.readRecordingKeeping(0);
  const taken = { ...usual, usedSize: 5 * 2 ** 30, mostBytes: 6 * 2 ** 30, removeOldest: true };
  vi.spyOn(fake, 'readRecordingKeeping').mockResolvedValue({ ...taken, wouldGo: 0 });
  const save = vi.spyOn(fake, 'saveRecordingKeeping');
  openApp(fake, '#/recordings/keeping');
  await shows('Room for all recordings');
  const room = [...document.querySelectorAll<HTMLInputElement>('main form input')][1] ?? null;
  expect(room?.value).toBe('6');
  enter(room, '1');
  press('Save');
  await shows('Recordings will go');
  expect(document.body.textContent).toContain('go for good with the next recording');
  expect(save).not.toHaveBeenCalled();
  press('Cancel');
  enter(room, '7');
  press('Save');
  await vi.waitFor(() => expect(save).toHaveBeenCalledOnce(), { timeout: 60_000 });
});
