import { afterEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { KeyRotationRecipient } from '../../../workers/api.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { buttonIn, closeApp, openApp, shows, type } from './app-page.ts';

afterEach(closeApp);

const words = ['abandon', 'ability', 'able', 'about', 'above', 'absent', 'absorb', 'abstract'];
const person = (keys: 'verified' | 'changed'): KeyRotationRecipient => ({
  ...{ kind: 'person', uid: newUid(), email: 'grace@example.org', keys, words },
  ...{ records: 3, folders: 1, rights: ['view'] },
});

/** In the dialog, once it is open. */
function button(name: string): HTMLButtonElement {
  return buttonIn(document.querySelector('[role="dialog"]') ?? document, name);
}

async function open(...recipients: KeyRotationRecipient[]): Promise<FakeVault> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  fake.rotation.sealTo(recipients);
  openApp(fake, '#/settings');
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
  await vi.waitFor(() => button('Rotate keys'), { timeout: 60_000 });
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
});

test('somebody whose keys changed blocks it', async () => {
  await open(person('changed'));
  await shows('Somebody’s keys changed');
  expect(button('Continue').disabled).toBe(true);
});

test('cancelled in the middle, it is as it was, and the preview is there again', async () => {
  const fake = await open(person('verified'));
  await proceed();
  await shows('Sealing under the new keys');
  button('Cancel').click();
  await shows('Look through to whom');
  expect(fake.rotation.rotations).toBe(0);
});
