import { mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { heardWords, recoveryWords } from '../../fakes/recovery-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from '../web/AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

function open(fake: FakeVault, hash = ''): void {
  location.hash = hash;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
}

const administrator = () =>
  createFakeVault({
    ...{ phase: 'unlocked', email: 'ada@example.test', link: 'connected', membership: 'administrator' },
  });

const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 15_000 });
const button = (name: string) =>
  vi.waitFor(
    () => {
      const found = [...document.querySelectorAll('button')].find(
        ({ textContent }) => textContent?.trim() === name,
      );
      if (!found) throw new Error(`no button ${name}`);
      return found;
    },
    { timeout: 15_000 },
  );
const submit = (id: string) =>
  document.getElementById(id)?.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));

function enter(input: Element | undefined, text: string): void {
  if (!(input instanceof HTMLInputElement)) throw new Error('no such field');
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Fills the gaps, of which there are three. */
async function fill(words: readonly string[]): Promise<void> {
  const inputs = await vi.waitFor(() => {
    const found = [...document.querySelectorAll('ol input')];
    expect(found).toHaveLength(3);
    return found;
  });
  for (const [at, word] of words.entries()) enter(inputs[at], word);
}

test('an administrator sets recovery up, reads the words, and lets somebody in after hearing theirs', async () => {
  open(administrator(), '#/people');
  (await button('Set up recovery')).click();
  (await button('Make the key')).click();
  await shows('Let grace@example.test in again?');
  await shows(recoveryWords.join(''));
  await fill(['wrong', 'wrong', 'wrong']);
  submit('approve-recovery');
  await shows('These are not the words');
  await fill(heardWords);
  submit('approve-recovery');
  await shows('Let in again');
  await vi.waitFor(() => expect(document.body.textContent).not.toContain('Let grace@example.test in'));
}, 60_000);

test('a member enrols with the words that an administrator reads, and withdraws', async () => {
  const fake = administrator();
  await fake.setUpRecovery();
  for (const { uid } of await fake.listRecoveryRequests()) await fake.refuseRecovery(uid);
  open(fake, '#/settings');
  await shows('You are not enrolled');
  (await button('Enrol')).click();
  await fill(heardWords);
  submit('enrol-recovery');
  await shows('You are enrolled');
  (await button('Withdraw')).click();
  await shows('You are not enrolled');
}, 60_000);

test('a changed key ends the enrolment with a notice', async () => {
  const fake = administrator();
  await fake.setUpRecovery();
  await fake.enrolRecovery({ words: heardWords });
  await fake.setUpRecovery();
  for (const { uid } of await fake.listRecoveryRequests()) await fake.refuseRecovery(uid);
  open(fake, '#/settings');
  await shows('Your enrolment has ended');
}, 60_000);

test('who lost everything asks, compares words both ways, and chooses a password and a phrase', async () => {
  const fake = createFakeVault({ phase: 'signed-out' });
  fake.draftRecoveryPhrase = async () => Array.from({ length: 24 }, () => 'zoo').join(' ');
  let release: () => void = () => undefined;
  const approved = new Promise<void>((resolve) => (release = resolve));
  const { awaitRecovery } = fake;
  fake.awaitRecovery = async () => {
    await approved;
    return await awaitRecovery();
  };
  open(fake);
  (await button('Ask your administrator')).click();
  await vi.waitFor(() => expect(document.getElementById('ask-administrator')).not.toBeNull(), 15_000);
  enter(document.querySelector('input[type=email]') ?? undefined, 'grace@example.test');
  submit('ask-administrator');
  await shows('Call your administrator');
  await shows(recoveryWords.join(''));
  release();
  await shows('You are let in again');
  await fill(heardWords);
  for (const input of document.querySelectorAll('input[type=password]')) enter(input, 'a long new password');
  submit('recovery-password');
  (await button('I have written it down')).click();
  await shows('Type three of the words again');
  for (const input of document.querySelectorAll('form input')) enter(input, 'zoo');
  (await button('Recover account')).click();
  await vi.waitFor(async () => expect(document.body.textContent).not.toContain('Check what you wrote'));
}, 60_000);
