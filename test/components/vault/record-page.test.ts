import { afterEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const wiki = { type: 'login', title: 'Wiki', fields: [] };

test('a record in the address waits for the first sync of its device', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org', syncing: true });
  const uid = fake.put(wiki);
  const stored = fake.records.get(uid);
  fake.records.delete(uid);
  const asked = vi.spyOn(fake, 'readRecord');
  openApp(fake, `#/vault/${uid}`);
  await vi.waitFor(() => expect(asked).toHaveBeenCalled(), { timeout: 60_000 });
  if (stored) fake.records.set(uid, stored);
  fake.set({ syncing: false });
  await shows('version 1');
  expect(location.hash).toBe(`#/vault/${uid}`);
});

test('one that is nowhere is left once everything is here', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org', syncing: true });
  openApp(fake, `#/vault/${newUid()}`);
  await shows('Skip to the content');
  fake.set({ syncing: false });
  await vi.waitFor(() => expect(location.hash).toBe('#/vault'), { timeout: 60_000 });
});

test('who follows a link in the moment in which the record goes is where the link leads', async () => {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org', syncing: false });
  const uid = fake.put(wiki);
  openApp(fake, `#/vault/${uid}`);
  await shows('version 1');
  let answer = (): void => undefined;
  const read = fake.readRecord.bind(fake);
  vi.spyOn(fake, 'readRecord').mockImplementationOnce(async (...asked) => {
    await new Promise<void>((resolve) => (answer = resolve));
    location.hash = '#/trash'; // its event is a task of its own
    return { ...(await read(...asked)), trashed: true };
  });
  fake.set({ recordsVersion: 1_000 });
  await vi.waitFor(() => expect(fake.readRecord).toHaveBeenCalledOnce(), { timeout: 60_000 });
  answer();
  await vi.waitFor(
    () => expect(document.querySelector('[aria-current="page"]')?.textContent).toContain('Trash'),
    {
      timeout: 60_000,
    },
  );
  expect(location.hash).toBe('#/trash');
});
