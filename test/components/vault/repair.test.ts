import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

async function ask(figures: { covered: number | null; here: number }, said: string) {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org', vaultIncomplete: true });
  const repairVault = vi.fn(() => Promise.resolve());
  openApp({ ...fake, readRepair: () => Promise.resolve(figures), repairVault }, '#/vault');
  await shows('The server shows less than you stored');
  button('Repair…').click();
  await shows(said);
  flushSync();
  return repairVault;
}

test('what a repair gives up is said in figures, and typed before it begins', async () => {
  const repairVault = await ask({ covered: 12, here: 10 }, '2 would be given up');
  const field = document.querySelector<HTMLInputElement>('[role="dialog"] input');
  if (!field) throw new Error('nothing to type in');
  expect(button('Repair', 1).disabled).toBe(true);
  field.value = '2';
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
  button('Repair', 1).click();
  await vi.waitFor(() => expect(repairVault).toHaveBeenCalledWith({ covered: 12, here: 10 }));
});

test('with nothing to give up, nothing is typed', async () => {
  const repairVault = await ask({ covered: 10, here: 10 }, 'As many things are here');
  expect(button('Repair', 1).disabled).toBe(false);
  button('Repair', 1).click();
  await vi.waitFor(() => expect(repairVault).toHaveBeenCalledOnce());
});
