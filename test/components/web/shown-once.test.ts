import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, press, shows, type } from './app-page.ts';

const patience = { timeout: 60_000 };
const dialog = () => document.querySelector<HTMLElement>('[role=dialog]');
const gone = () => vi.waitFor(() => expect(dialog()).toBeNull(), patience);

/** For the dialog itself: on a button it would be for its tooltip first. */
async function escape(): Promise<void> {
  dialog()?.focus();
  await vi.waitFor(() => expect(document.querySelector('[data-tooltip-content]')).toBeNull(), patience);
  press('Escape');
}

afterEach(closeApp);

test('backup codes are closed by the button that says what has been done, and not by Escape', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  await fake.finishSecurityKey({ name: 'key' } as Parameters<typeof fake.finishSecurityKey>[0]);
  openApp(fake, '#/settings');
  await shows('New codes');
  button('New codes').click();
  await shows('abcd-efgh-jkmn');
  await escape();
  expect(dialog()?.textContent).toContain('abcd-efgh-jkmn');
  button('I have written them down').click();
  await gone();
});

test('a gateway’s form is closed by Escape; its token, which nobody can show again, is not', async () => {
  openApp(createFakeVault({ phase: 'unlocked', email: 'ada@example.org' }), '#/gateways');
  const open = async () => {
    await shows('New gateway');
    button('New gateway').click();
    flushSync();
    await shows('Gateway name');
  };
  await open();
  await escape();
  await gone();
  await open();
  type('Gateway name', 'Office');
  button('Create gateway').click();
  await shows('GW1.');
  await escape();
  expect(dialog()?.textContent).toContain('GW1.');
  button('Done').click();
  await gone();
});
