import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { closeApp, openApp, press, shows } from '../web/app-page.ts';

let copied: string[] = [];
beforeEach(() => {
  copied = [];
  vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(async (text) => void copied.push(text));
});
afterEach(async () => {
  await closeApp();
  vi.restoreAllMocks();
});

async function openLogin(...more: readonly RecordContent[]) {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const uid = fake.put({
    type: 'login',
    title: 'Wiki',
    fields: [
      { type: 'login', value: ['ada'] },
      { type: 'password', value: ['correct horse'] },
      { type: 'password', label: 'passphrase', value: ['another'] },
      { type: 'url', value: ['https://wiki.example/'] },
      { type: 'address', value: [{ street1: '1 Harbour Road', city: 'Leith' }] },
    ],
  });
  for (const content of more) fake.put(content);
  openApp(fake, `#/vault/${uid}`);
  await shows('1 Harbour Road');
}

test('one key each copies the password and the login, and opens the website', async () => {
  await openLogin();
  const open = vi.spyOn(window, 'open').mockReturnValue(null);
  press('c', document.body);
  await shows('Password copied');
  press('u', document.body);
  await shows('Login copied');
  expect(copied).toEqual(['correct horse', 'ada']);
  press('o', document.body);
  await vi.waitFor(() =>
    expect(open).toHaveBeenCalledWith('https://wiki.example/', '_blank', 'noopener,noreferrer'),
  );
});

test('what is typed into a field copies nothing, nor do the keys of the browser', async () => {
  await openLogin();
  press('c', document.querySelector('[data-search]'));
  press('c', document.body, { ctrlKey: true });
  press('q', document.body);
  await Promise.resolve();
  expect(copied).toEqual([]);
});

test('an address of several lines can be copied, too', async () => {
  await openLogin();
  const labels = [...document.querySelectorAll('article button')].map((one) => one.textContent?.trim());
  expect(labels).toContain('Copy address');
});

test('n offers the types of a new record', async () => {
  await openLogin();
  press('n', document.body);
  await vi.waitFor(() =>
    expect(document.querySelector('[role="dialog"]')?.textContent).toContain('Payment card'),
  );
});

test('the types above the list are one stop of the Tab key', async () => {
  await openLogin({ type: 'encryptedNotes', title: 'Door', fields: [{ type: 'note', value: ['4471'] }] });
  const types = () => [...document.querySelectorAll<HTMLElement>('[role="toolbar"] button')];
  await vi.waitFor(() => expect(types().map((one) => one.textContent)).toContain('Secure note'));
  expect(types().map((one) => one.tabIndex)).toEqual([0, -1, -1]);
  types()[0]?.focus();
  press('ArrowLeft');
  expect(document.activeElement).toBe(types()[2]);
  press('ArrowRight');
  expect(document.activeElement).toBe(types()[0]);
});

test('what was searched for is cleared by a press', async () => {
  await openLogin();
  const search = document.querySelector<HTMLInputElement>('[data-search]');
  if (search === null) throw new Error('there is no search');
  search.value = 'wiki';
  search.dispatchEvent(new Event('input', { bubbles: true }));
  await shows('Clear the search');
  document.querySelector<HTMLElement>('.search .clear')?.click();
  await vi.waitFor(() => expect(search.value).toBe(''));
  expect(document.activeElement).toBe(search);
});
