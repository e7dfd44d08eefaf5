import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

function open(fake: FakeVault, hash: string): void {
  location.hash = hash;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
}

const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 15_000 });

test('settings list what was deleted, and bring it back', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const uid = fake.put({ type: 'login', title: 'shop', fields: [] });
  await fake.trashRecords([uid]);
  open(fake, '#/settings');
  await shows('Deleted records');
  const buttons = [...document.querySelectorAll('button')];
  const restore = buttons.find(({ textContent }) => textContent?.trim().startsWith('Restore'));
  expect(restore?.textContent?.trim()).toBe('Restore shop');
  restore?.click();
  await shows('shop is back');
  flushSync();
  expect(fake.records.has(uid)).toBe(true);
  await vi.waitFor(() => expect(document.body.textContent).not.toContain('Deleted records'));
}, 20_000);

test('the list of records says when the server sent what does not open', async () => {
  open(createFakeVault({ phase: 'unlocked', email: 'ada@example.org', refusedRecords: 2 }), '#/vault');
  await shows('The server sent what does not open');
  expect(document.body.textContent).toContain('2 records are affected');
});
