// How administrators set what is kept of recordings, and what they are asked before any goes.
import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { roomText } from '../../../web/recordings/keeping-text.ts';
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
  expect(document.body.textContent).toContain('5 GiB of 6 GiB');
  enter(room, '1');
  press('Save');
  await shows('Recordings will go');
  expect(document.body.textContent).toContain('They take 5 GiB now, and 1 GiB is the room from now on');
  expect(document.body.textContent).toContain('go for good with the next recording');
  expect(save).not.toHaveBeenCalled();
  press('Cancel');
  enter(room, '7');
  press('Save');
  await vi.waitFor(() => expect(save).toHaveBeenCalledOnce(), { timeout: 60_000 });
});

test('what is over the room that was set is told to be over it', () => {
  const gibibyte = 2 ** 30;
  const shown = [0, 1, gibibyte, 7.04 * gibibyte, 7.1 * gibibyte, 200 * gibibyte, 200 * gibibyte + 1].map(
    roomText,
  );
  expect(shown).toEqual(['0', '0.1', '1', '7.1', '7.1', '200', '200.1'].map((room) => `${room} GiB`));
});
