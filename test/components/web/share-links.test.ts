import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { templateOf } from '../../../protocol/records/templates.ts';
import { ShareAddress } from '../../../web/share/share-address.svelte.ts';
import { shareableFields } from '../../../web/share/shareable-fields.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { press as key } from './app-page.ts';
import AppHarness from './AppHarness.svelte';

// Not in happy-dom; false: what needs WebAuthn is not offered.
vi.stubGlobal('isSecureContext', false);

let app: ReturnType<typeof mount> | null = null;
const text = () => document.body.textContent?.replace(/\s+/g, ' ') ?? '';
const shows = (wanted: string) => vi.waitFor(() => expect(text()).toContain(wanted), { timeout: 60_000 });
const press = (name: string) => {
  const buttons = [...document.querySelectorAll('button')];
  const found = buttons.find(({ textContent }) => textContent?.replace(/\s+/g, ' ').trim() === name);
  (found ?? expect.unreachable(`no button ${name}`)).click();
  flushSync();
};

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
  location.hash = '';
});

function open(fake: FakeVault, hash: string): void {
  location.hash = hash;
  const share = new ShareAddress();
  app = mount(AppHarness, { target: document.body, props: { verbs: fake, share } });
}

describe('a share link', () => {
  test('leaves the address bar, shows nothing before a press, and its secrets after another one', async () => {
    const fake = createFakeVault({ phase: 'signed-out' });
    const opened = vi.spyOn(fake, 'openShareLink');
    open(fake, '#share=the-link-and-its-key');
    expect(location.href).not.toContain('the-link-and-its-key');
    await shows('2 views are left');
    expect(opened).not.toHaveBeenCalled();
    expect(text()).not.toContain('Guest Wi-Fi');
    press('Show it now');
    await shows('Guest Wi-Fi');
    expect(opened).toHaveBeenCalledExactlyOnceWith('the-link-and-its-key');
    expect(text()).toContain('Ask at the desk');
    expect(text()).not.toContain('wifi-secret');
    press('Show password');
    await shows('wifi-secret');
    press('Close');
    await shows('Sign in');
  });

  test('that is used up says so, and what to do', async () => {
    open(createFakeVault({ phase: 'signed-out' }), '#share=used-up');
    await shows('This link shows nothing any more');
    expect(text()).toContain('Ask whoever sent it for a new one');
  });

  test('opened in a tab where the vault is open is shown in its place', async () => {
    open(createFakeVault({ phase: 'unlocked', email: 'ada@example.org' }), '#/vault');
    await shows('New record');
    location.hash = '#share=later';
    window.dispatchEvent(new HashChangeEvent('hashchange'));
    expect(location.href).not.toContain('later');
    await shows('Somebody shared something with you');
  });

  test('is made from chosen fields: secrets only when a person says so', async () => {
    const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
    const uid = fake.put({
      type: 'login',
      title: 'shop',
      fields: [
        { type: 'login', value: ['ada'] },
        { type: 'password', value: ['hunter2'] },
      ],
    });
    const created = vi.spyOn(fake, 'createShareLink');
    open(fake, `#/vault/${uid}`);
    await shows('Attach files');
    press('Share by link');
    await shows('What they see');
    const boxes = [...document.querySelectorAll<HTMLInputElement>('fieldset input[type=checkbox]')];
    expect(boxes.map(({ checked }) => checked)).toEqual([true, false]);
    boxes[1]?.click();
    flushSync();
    press('Make link');
    await shows('Your link');
    const terms = { notes: false, views: 1, oneBrowser: false, lastsMs: 86_400_000 };
    expect(created.mock.calls[0]?.[0]).toMatchObject({ recordUid: uid, ...terms });
    expect(created.mock.calls[0]?.[0].fields.map(({ label }) => label)).toHaveLength(2);
    const link = document.querySelector<HTMLInputElement>('input[aria-label=Link]');
    expect(link?.value).toContain('#share=');
    key('Escape'); // it is shown this once, and a slip of the hand does not lose it
    expect(link?.isConnected).toBe(true);
    press('Done');
    await vi.waitFor(() => expect(link?.isConnected).toBe(false), { timeout: 60_000 });
  });

  test('is listed in the settings and taken back there', async () => {
    const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
    const recordUid = fake.put({ type: 'login', title: 'shop', fields: [] });
    const terms = { notes: true, views: 2, oneBrowser: true, lastsMs: 1000 };
    await fake.createShareLink({ recordUid, fields: [], ...terms });
    open(fake, '#/settings');
    await shows('2 views are left');
    press('Take back the link to shared');
    await vi.waitFor(() => expect(text()).not.toContain('2 views are left'));
    expect(fake.shareLinks.size).toBe(0);
  });
});

test('every value of a record can be chosen, objects by their members, and nothing of the vault itself', () => {
  const view = {
    content: {
      type: 'login',
      title: 't',
      fields: [
        { type: 'login', value: ['a'] },
        { type: 'password', value: [] },
        { type: 'url', value: ['https://a.example', 'https://b.example'] },
        { type: 'fileRef', value: [{ fileUid: 'x' }] },
        { type: 'name', value: [{ first: 'Ada', last: '' }] },
        { type: 'keyPair', value: [{ publicKey: 'ssh-ed25519 A' }] },
      ],
    },
    withheld: [
      { group: 'fields', index: 1 },
      { group: 'fields', index: 5, at: 0, member: 'privateKey' },
    ],
  } as unknown as Parameters<typeof shareableFields>[0];
  const found = shareableFields(view, templateOf('login'));
  expect(found.map(({ path, secret }) => [path.index, path.at, path.member, secret])).toEqual([
    [0, 0, undefined, false],
    [1, 0, undefined, true],
    [2, 0, undefined, false],
    [2, 1, undefined, false],
    [4, 0, 'first', false],
    [5, 0, 'publicKey', false],
    [5, 0, 'privateKey', true],
  ]);
  expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
});
