import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { KeyRotationRecipient } from '../../../workers/api.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

const words = ['abandon', 'ability', 'able', 'about', 'above', 'absent', 'absorb', 'abstract'];
const person = (keys: 'verified' | 'changed'): KeyRotationRecipient => ({
  ...{ kind: 'person', uid: newUid(), email: 'grace@example.org', keys, words },
  ...{ records: 3, folders: 1, rights: ['view'] },
});

const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 15_000 });

function button(name: string): HTMLButtonElement {
  const dialog = document.querySelector('[role="dialog"]') ?? document;
  const found = [...dialog.querySelectorAll('button')].find(
    ({ textContent }) => textContent?.trim() === name,
  );
  if (!found) throw new Error(`no button ${name}`);
  return found;
}

function type(label: string, text: string): void {
  const found = [...document.querySelectorAll('label')].find(
    ({ textContent }) => textContent?.trim() === label,
  );
  const field = document.getElementById(found?.htmlFor ?? '');
  if (!(field instanceof HTMLInputElement)) throw new Error(`no field ${label}`);
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

async function open(...recipients: KeyRotationRecipient[]): Promise<FakeVault> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  fake.rotation.sealTo(recipients);
  location.hash = '#/settings';
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
  await shows('Delete account');
  button('Rotate account keys').click();
  return fake;
}

/** Up to the password, with the words retyped. */
async function proceed(): Promise<void> {
  await shows('grace@example.org');
  button('Continue').click();
  await shows('Write these 24 words');
  const phrase = [...document.querySelectorAll('[aria-label="Recovery phrase"] .word')].map(
    ({ textContent }) => textContent ?? '',
  );
  button('I have written it down').click();
  await shows('Show the words again');
  for (const label of [...document.querySelectorAll('label')].map(
    ({ textContent }) => textContent?.trim() ?? '',
  ))
    if (/^Word \d+$/.test(label)) type(label, phrase[Number(label.slice(5)) - 1] ?? '');
  button('Continue').click();
  await vi.waitFor(() => button('Rotate keys'), { timeout: 15_000 });
  type('Master password', 'correct horse');
  button('Rotate keys').click();
}

test('shows exactly to whom, asks for phrase and password, and says when it is done', async () => {
  const fake = await open(person('verified'));
  await shows('3 records and 1 shared folder: View');
  await shows(words.join(' '));
  await proceed();
  await shows('Sealing under the new keys: 10 of 42');
  fake.rotation.staging.go();
  await shows('The account has new keys');
  expect(fake.rotation.rotations).toBe(1);
}, 30_000);

test('somebody whose keys changed blocks it', async () => {
  await open(person('changed'));
  await shows('Somebody’s keys changed');
  expect(button('Continue').disabled).toBe(true);
}, 30_000);

test('cancelled in the middle, it is as it was, and the preview is there again', async () => {
  const fake = await open(person('verified'));
  await proceed();
  await shows('Sealing under the new keys');
  button('Cancel').click();
  await shows('Look through to whom');
  expect(fake.rotation.rotations).toBe(0);
}, 30_000);
