import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from './app-page.ts';

afterEach(closeApp);

test('the trash lists what was deleted, and a record in it is brought back', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const uid = fake.put({ type: 'login', title: 'shop', fields: [] });
  await fake.trashRecords([uid]);
  openApp(fake, `#/trash/${uid}`);
  await shows('In the trash');
  button('Restore').click();
  await shows('shop is back');
  flushSync();
  expect(fake.trash.has(uid)).toBe(false);
});

test('deleting for good asks first', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const uid = fake.put({ type: 'login', title: 'shop', fields: [] });
  await fake.trashRecords([uid]);
  openApp(fake, `#/trash/${uid}`);
  await shows('In the trash');
  button('Delete for good').click();
  await shows('This cannot be undone');
  expect(fake.trash.has(uid)).toBe(true);
  button('Delete for good', 1).click();
  await vi.waitFor(() => expect(fake.trash.has(uid)).toBe(false));
});

test('the list of records says when the server sent what does not open', async () => {
  openApp(createFakeVault({ phase: 'unlocked', email: 'ada@example.org', refusedRecords: 2 }), '#/vault');
  await shows('The server sent what does not open');
  await shows('2 records are affected');
});

test('the list of records says when the server leaves something out', async () => {
  openApp(createFakeVault({ phase: 'unlocked', email: 'ada@example.org', vaultIncomplete: true }), '#/vault');
  await shows('The server shows less than you stored');
});
