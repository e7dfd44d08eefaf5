import { afterEach, expect, test } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

test('a device without room says so with what to do, and not that the vault is empty', async () => {
  openApp(createFakeVault({ phase: 'unlocked', email: 'ada@example.org', storageFull: true }), '#/vault');
  await shows('This browser has no room for the vault');
  await shows('What is shown here is not everything.');
  expect(document.body.textContent).not.toContain('Your vault is empty');
});
