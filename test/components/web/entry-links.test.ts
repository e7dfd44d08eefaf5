import { mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EntryAddress } from '../../../web/account/entry-address.svelte.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

// Not in happy-dom; false: what needs WebAuthn is not offered.
vi.stubGlobal('isSecureContext', false);

let app: ReturnType<typeof mount> | null = null;
const shows = (wanted: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(wanted), { timeout: 60_000 });

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
  location.hash = '';
});

function open(fake: FakeVault): void {
  location.hash = '#/vault';
  app = mount(AppHarness, { target: document.body, props: { verbs: fake, entry: new EntryAddress() } });
}

function follow(hash: string): void {
  location.hash = hash;
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

describe('a link that is followed in an open tab', () => {
  const invitation = 'i'.repeat(107);
  const token = 's'.repeat(43);

  test('leaves the address bar and leads to the new account', async () => {
    open(createFakeVault({ phase: 'signed-out' }));
    await shows('Sign in');
    follow(`#invitation=${invitation}`);
    expect(location.href).not.toContain(invitation);
    await shows('You are invited');
    follow(`#setup=${token}`);
    expect(location.href).not.toContain(token);
    await shows('Set up Sallyport');
  });

  test('leaves the address bar of an open vault, which stays', async () => {
    open(createFakeVault({ phase: 'unlocked', email: 'ada@example.test' }));
    await shows('New record');
    for (const hash of [`#setup=${token}`, `#invitation=${invitation}`, '#invitation=short', '#setup=?']) {
      follow(hash);
      expect(location.hash).not.toContain('=');
    }
    await shows('Sign out first, then open the link again.');
    expect(document.body.textContent).toContain('New record');
  });
});
