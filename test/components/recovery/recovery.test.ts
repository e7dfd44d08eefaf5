import { afterEach, expect, test, vi } from 'vitest';
import { heardWords, recoveryWords } from '../../fakes/recovery-verbs.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { awaitButton, closeApp, enter, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const administrator = () =>
  createFakeVault({
    ...{ phase: 'unlocked', email: 'ada@example.test', link: 'connected', membership: 'administrator' },
  });

const submit = (id: string) =>
  document.getElementById(id)?.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));

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
  openApp(administrator(), '#/people');
  (await awaitButton('Set up recovery')).click();
  (await awaitButton('Make the key')).click();
  await shows('Let grace@example.test in again?');
  await shows(recoveryWords.join(''));
  await fill(['wrong', 'wrong', 'wrong']);
  submit('approve-recovery');
  await shows('These are not the words');
  await fill(heardWords);
  submit('approve-recovery');
  await shows('Let in again');
  await vi.waitFor(() => expect(document.body.textContent).not.toContain('Let grace@example.test in'));
});

test('a member enrols with the words that an administrator reads, and withdraws', async () => {
  const fake = administrator();
  await fake.setUpRecovery();
  for (const { uid } of await fake.listRecoveryRequests()) await fake.refuseRecovery(uid);
  openApp(fake, '#/settings');
  await shows('You are not enrolled');
  (await awaitButton('Enrol')).click();
  await fill(heardWords);
  submit('enrol-recovery');
  await shows('You are enrolled');
  (await awaitButton('Withdraw')).click();
  await shows('You are not enrolled');
});

test('a changed key ends the enrolment with a notice', async () => {
  const fake = administrator();
  await fake.setUpRecovery();
  await fake.enrolRecovery({ words: heardWords });
  await fake.setUpRecovery();
  for (const { uid } of await fake.listRecoveryRequests()) await fake.refuseRecovery(uid);
  openApp(fake, '#/settings');
  await shows('Your enrolment has ended');
});

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
  openApp(fake);
  (await awaitButton('Ask your administrator')).click();
  await vi.waitFor(() => expect(document.getElementById('ask-administrator')).not.toBeNull(), 15_000);
  enter(document.querySelector('input[type=email]'), 'grace@example.test');
  submit('ask-administrator');
  await shows('Call your administrator');
  await shows(recoveryWords.join(''));
  release();
  await shows('You are let in again');
  await fill(heardWords);
  for (const input of document.querySelectorAll('input[type=password]')) enter(input, 'a long new password');
  submit('recovery-password');
  (await awaitButton('I have written it down')).click();
  await shows('Type three of the words again');
  for (const input of document.querySelectorAll('form input')) enter(input, 'zoo');
  (await awaitButton('Recover account')).click();
  await shows('All records');
});
