import { afterEach, describe, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { PasswordReport } from '../../../workers/api.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

function vaultWith(...passwords: readonly string[]): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  passwords.forEach((password, i) =>
    fake.put({ type: 'login', title: `site ${i + 1}`, fields: [{ type: 'password', value: [password] }] }),
  );
  return fake;
}

/** The report waits until `answer` or `fail` is called. */
function held(fake: FakeVault) {
  const waiting = Promise.withResolvers<PasswordReport>();
  fake.reportPasswords = vi.fn(() => waiting.promise);
  fake.cancelReport = vi.fn(async () => waiting.reject(new ProtocolError('cancelled')));
  return waiting;
}

describe('password health', () => {
  test('names weak passwords and those that are used twice, and shows none', async () => {
    openApp(vaultWith('password1', 'kettle-orbit-vivid-plank-93', 'kettle-orbit-vivid-plank-93'), '#/health');
    await shows('Weak');
    await shows('site 1');
    await shows('Used more than once');
    await shows('Shared by 2 records');
    expect(document.body.textContent).not.toMatch(/password1|kettle/);
  });

  test('says so when all is well, and when there is nothing', async () => {
    openApp(vaultWith('kettle-orbit-vivid-plank-93'), '#/health');
    await shows('All is well');
    await closeApp();
    openApp(vaultWith(), '#/health');
    await shows('No passwords yet');
  });

  test('can be cancelled while it looks, and started again', async () => {
    const fake = vaultWith('password1');
    held(fake);
    openApp(fake, '#/health');
    await shows('Looking at every password');
    button('Cancel').click();
    await shows('Nothing was looked at to the end.');
    const again = held(fake);
    button('Look again').click();
    await shows('Looking at every password');
    again.resolve({ records: 1, passwords: 1, weak: [], reused: [], old: [] });
    await shows('All is well');
  });

  test('says how far it is', async () => {
    const fake = vaultWith('password1');
    const waiting = Promise.withResolvers<PasswordReport>();
    fake.reportPasswords = async (_, onProgress) => {
      onProgress?.(50, 2000);
      return await waiting.promise;
    };
    openApp(fake, '#/health');
    await shows('50 of 2,000');
    waiting.resolve({ records: 1, passwords: 1, weak: [], reused: [], old: [] });
    await shows('All is well');
  });

  test('a page that is left stops looking', async () => {
    const fake = vaultWith('password1');
    held(fake);
    openApp(fake, '#/health');
    await shows('Looking at every password');
    location.hash = '#/vault';
    await vi.waitFor(() => expect(fake.cancelReport).toHaveBeenCalled());
  });
});
