import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { VaultVerbs } from '../../../workers/api.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { closeApp, openApp } from './app-page.ts';

const asked: string[] = [];

/** Remembers which verbs were called. */
function watched(fake: FakeVault): FakeVault {
  return new Proxy(fake, {
    get: (target, name: keyof VaultVerbs) => {
      const verb: unknown = target[name];
      if (typeof verb === 'function') asked.push(name);
      return verb;
    },
  });
}

const shell = () => document.querySelector<HTMLElement>('.whole');
const made = () => vi.waitFor(() => expect(shell()).not.toBeNull(), { timeout: 60_000 });
const rows = () => [...document.querySelectorAll('[data-record]')];
const saysNothing = (row: Element) => row.querySelector('.title')?.textContent === 'Untitled';

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal('requestIdleCallback', (run: () => void) => setTimeout(run));
  vi.stubGlobal('cancelIdleCallback', clearTimeout);
});

afterEach(async () => {
  await closeApp();
  vi.unstubAllGlobals();
});

test('the screens are made while the vault is locked, out of reach and without asking for anything', async () => {
  const fake = createFakeVault({ phase: 'locked', email: 'ada@example.org', link: 'off' });
  fake.put({ type: 'login', title: 'shop', fields: [] });
  openApp(watched(fake), '#/vault');
  await made();
  expect(shell()?.classList.contains('hidden')).toBe(true);
  expect(document.title).not.toContain('·');
  expect(new Set(asked)).toEqual(new Set(['watch', 'getServerInfo', 'watchSessions']));
  await vi.waitFor(() => expect(shell()?.classList.contains('asleep')).toBe(true));
  expect(rows().every(saysNothing)).toBe(true);
  expect(document.querySelector('h1')?.textContent).toBe('Unlock your vault');
});

test('they are shown with the first rows, and nothing of them stays after a lock', async () => {
  const fake = createFakeVault({ phase: 'locked', email: 'ada@example.org', link: 'off' });
  fake.put({ type: 'login', title: 'shop', fields: [] });
  openApp(watched(fake), '#/vault');
  await made();
  await fake.unlock({ password: 'correct horse' });
  await vi.waitFor(() => expect(shell()?.classList.contains('hidden')).toBe(false));
  const before = shell();
  expect(document.body.textContent).toContain('1 record');
  await fake.lock();
  flushSync();
  expect(shell()).not.toBe(before);
  expect(before?.isConnected).toBe(false);
  await made();
  expect(shell()?.textContent).not.toContain('shop');
  expect(document.body.textContent).not.toContain('1 record');
});
