import { afterEach, expect, test, vi } from 'vitest';
import { createFakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from './app-page.ts';

// Not in happy-dom; false: what needs WebAuthn is not offered.
vi.stubGlobal('isSecureContext', false);
afterEach(closeApp);

const emailField = () => document.querySelector<HTMLInputElement>('input[type="email"]');

test(
  'the address that was typed at sign-in is there behind the other doors',
  { timeout: 60_000 },
  async () => {
    openApp(createFakeVault({ phase: 'signed-out' }), '#/vault');
    await shows('Forgotten your password?');
    const email = emailField();
    if (email === null) throw new Error('there is no address to type');
    email.value = 'ada@example.org';
    email.dispatchEvent(new Event('input', { bubbles: true }));
    button('Forgotten your password?').click();
    await shows('Recover your account');
    expect(emailField()?.value).toBe('ada@example.org');
    button('Ask your administrator').click();
    await shows('If you enrolled in recovery');
    expect(emailField()?.value).toBe('ada@example.org');
  },
);
