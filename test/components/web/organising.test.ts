import { flushSync } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, buttonIn, closeApp, enter, openApp, press, shows, type } from './app-page.ts';

afterEach(closeApp);

function filled(): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  for (const title of ['alpha', 'beta', 'gamma', 'delta']) fake.put({ type: 'login', title, fields: [] });
  return fake;
}

const uidOf = (fake: FakeVault, title: string) =>
  [...fake.records].find(([, { content }]) => content.title === title)?.[0] ?? expect.fail(title);

const folder = (name: string) =>
  [...document.querySelectorAll<HTMLElement>('[role="treeitem"]')].find((item) =>
    item.textContent?.includes(name),
  ) ?? expect.fail(name);

describe('folders', () => {
  test('are a tree that the arrow keys open, close and walk', async () => {
    const fake = filled();
    const clients = await fake.createFolder({ name: 'Clients', parentUid: null });
    await fake.createFolder({ name: 'Acme', parentUid: clients });
    openApp(fake, '#/vault');
    await shows('Clients');
    const tree = document.querySelector('[role="tree"]');
    expect(document.body.textContent).not.toContain('Acme');
    folder('Clients').focus();
    press('ArrowRight', tree);
    expect(folder('Clients').getAttribute('aria-expanded')).toBe('true');
    press('ArrowRight', tree);
    expect(document.activeElement).toBe(folder('Acme'));
    expect(folder('Acme').getAttribute('aria-level')).toBe('2');
    press('ArrowLeft', tree);
    press('ArrowLeft', tree);
    expect(document.body.textContent).not.toContain('Acme');
  });

  test('deleting one asks what becomes of its records, and can be undone', async () => {
    const fake = filled();
    const uid = await fake.createFolder({ name: 'Old', parentUid: null });
    await fake.moveRecords({ uids: [uidOf(fake, 'alpha')], folderUid: uid });
    openApp(fake, `#/folder/${uid}`);
    await vi.waitFor(() => folder('Old'));
    folder('Old').focus();
    press('Delete', document.querySelector('[role="tree"]'));
    await shows('Choose what becomes of the records in it');
    button('Keep the records').click();
    await shows('Folder Old deleted');
    expect(fake.organising.folders).toEqual([]);
    button('Undo').click();
    await vi.waitFor(() => expect(fake.organising.folders[0]?.name).toBe('Old'));
  });
});

describe('with the places of a phone open', () => {
  /** The dialog of the places; the sidebar's are on the page as well, as style sheets alone hide them. */
  async function openPlaces(fake: FakeVault): Promise<HTMLElement> {
    openApp(fake, '#/vault');
    await shows('4 records');
    button('Folders and tags').click();
    return await vi.waitFor(() => document.querySelector<HTMLElement>('.modal') ?? expect.fail('no places'));
  }

  const dialogsOf = (title: string) =>
    [...document.querySelectorAll<HTMLElement>('.modal')].filter(
      (one) => one.querySelector('h2')?.textContent === title,
    );

  test('a folder is renamed in one dialog above them, to what was typed', async () => {
    const fake = filled();
    const uid = await fake.createFolder({ name: 'Old', parentUid: null });
    const places = await openPlaces(fake);
    const tree = places.querySelector('[role="tree"]') ?? expect.fail('no tree');
    places.querySelector<HTMLElement>('[role="treeitem"]')?.focus();
    press('F2', tree);
    await shows('Rename folder');
    const [dialog, ...others] = dialogsOf('Rename folder');
    expect(others).toEqual([]);
    expect([...document.querySelectorAll('.modal')].at(-1)).toBe(dialog);
    enter(dialog?.querySelector('input'), 'Clients');
    buttonIn(dialog ?? document, 'Rename').click();
    await vi.waitFor(() => expect(fake.organising.folders).toMatchObject([{ uid, name: 'Clients' }]));
    await vi.waitFor(() => expect(dialogsOf('Rename folder')).toEqual([]));
    expect(places.isConnected).toBe(true);
  });

  test('each new folder is asked for once, without the name of the last, and no id is there twice', async () => {
    const fake = filled();
    await fake.createFolder({ name: 'Old', parentUid: null });
    const places = await openPlaces(fake);
    for (const name of ['Clients', 'Servers']) {
      buttonIn(places, 'New folder').click();
      await shows('Create');
      const [dialog, ...others] = dialogsOf('New folder');
      expect(others).toEqual([]);
      const input = dialog?.querySelector('input');
      expect(input?.value).toBe('');
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
      enter(input, name);
      buttonIn(dialog ?? document, name === 'Clients' ? 'Cancel' : 'Create').click();
      await vi.waitFor(() => expect(dialogsOf('New folder')).toEqual([]));
    }
    expect(fake.organising.folders.map(({ name }) => name)).toEqual(['Old', 'Servers']);
  });
});

describe('many records at once', () => {
  test('are chosen by key and deleted together, with one undo', async () => {
    const fake = filled();
    openApp(fake, '#/vault');
    await shows('4 records');
    const list = document.querySelector('.scroll');
    press('x', list);
    await shows('1 chosen');
    press('a', list, { ctrlKey: true });
    await shows('4 chosen');
    button('Delete').click();
    await shows('4 records moved to the trash');
    expect(fake.trash.size).toBe(4);
    button('Undo').click();
    await vi.waitFor(() => expect(fake.trash.size).toBe(0));
  });

  test('show how far they are, and are ended on a click', async () => {
    const fake = filled();
    const ended = Promise.withResolvers<void>();
    const trash = fake.trashRecords;
    let begun: string | undefined;
    fake.cancelBulk = async (run) => {
      if (run === begun) ended.resolve(); // its own, and no other
    };
    fake.trashRecords = async (uids, onProgress, run) => {
      begun = run;
      onProgress?.(1, 4);
      await ended.promise;
      return { ...(await trash(uids.slice(0, 1))), of: 4, stopped: 'cancelled' };
    };
    openApp(fake, '#/vault');
    await shows('4 records');
    const list = document.querySelector('.scroll');
    press('a', list, { ctrlKey: true });
    await shows('4 chosen');
    button('Delete').click();
    await shows('1 of 4');
    button('Cancel').click();
    await shows('1 of 4 records moved to the trash');
    expect(document.querySelector('progress')).toBeNull();
    expect(fake.trash.size).toBe(1);
    button('Undo').click();
    await vi.waitFor(() => expect(fake.trash.size).toBe(0));
  });

  test('a search stays in the list it was made in', async () => {
    const fake = filled();
    await fake.createFolder({ name: 'Clients', parentUid: null });
    openApp(fake, '#/vault');
    await shows('4 records');
    const search = document.querySelector<HTMLInputElement>('[data-search]') ?? expect.fail('no search');
    search.value = 'gam';
    search.dispatchEvent(new Event('input', { bubbles: true }));
    await shows('1 record found');
    location.hash = '#/favourites';
    await shows('No favourites yet');
    location.hash = '#/vault';
    await shows('4 records');
  });

  test('what was chosen is forgotten in another list', async () => {
    openApp(filled(), '#/vault');
    await shows('4 records');
    press('x', document.querySelector('.scroll'));
    await shows('1 chosen');
    location.hash = '#/favourites';
    await shows('No favourites yet');
    expect(document.body.textContent).not.toContain('chosen');
  });
});

describe('the key for the search', () => {
  const focused = () => document.activeElement?.hasAttribute('data-search');

  test('focuses it before the next key can come', async () => {
    openApp(filled(), '#/vault');
    await shows('4 records');
    press('/', document.body);
    expect(focused()).toBe(true);
  });

  test('from another page, as soon as the vault is drawn, and once', async () => {
    openApp(filled(), '#/gateways');
    await shows('No gateway yet');
    const frames = vi.spyOn(window, 'requestAnimationFrame').mockReturnValue(0);
    press('/', document.body);
    await vi.waitFor(() => expect(focused()).toBe(true));
    frames.mockRestore();
    location.hash = '#/gateways';
    await shows('No gateway yet');
    location.hash = '#/vault';
    await shows('4 records');
    expect(focused()).toBe(false);
  });
});

describe('the command palette', () => {
  const open = () =>
    window.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'k', code: 'KeyK', ctrlKey: true, cancelable: true }),
    );

  test('finds records and commands while typing', async () => {
    const fake = filled();
    openApp(fake, '#/vault');
    await shows('4 records');
    open();
    const input = await vi.waitFor(
      () => document.querySelector<HTMLInputElement>('[role="dialog"] input') ?? expect.fail('no palette'),
    );
    input.value = 'gam';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    await vi.waitFor(() => {
      const shown = [...document.querySelectorAll('[role="dialog"] [role="option"]')];
      expect(shown.map((item) => item.textContent?.trim())).toEqual([expect.stringContaining('gamma')]);
    });
  });

  test('has what was used last first, and once', async () => {
    const fake = filled();
    const [, used] = (await fake.listRecords()).map(({ uid }) => uid);
    if (!used) throw new Error('nothing to use');
    openApp(fake, `#/vault/${used}`);
    await shows('version 1');
    open();
    await shows('Recently used');
    const { title } = await fake.readRecord(used).then(({ content }) => content);
    const items = () =>
      [...document.querySelectorAll('[role="dialog"] [role="option"]')].map(({ textContent }) =>
        textContent?.trim(),
      );
    await vi.waitFor(() => expect(items()[0]).toContain(title));
    expect(items().filter((text) => text?.startsWith(title))).toHaveLength(1);
  });

  test('makes a folder, by keys alone', async () => {
    const fake = filled();
    openApp(fake, '#/vault');
    await shows('4 records');
    open();
    const input = await vi.waitFor(
      () => document.querySelector<HTMLInputElement>('[role="dialog"] input') ?? expect.fail('no palette'),
    );
    input.value = 'new';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    const chosen = () => document.getElementById(input.getAttribute('aria-activedescendant') ?? '');
    await vi.waitFor(() => expect(chosen()?.textContent).toContain('New'));
    const key = (name: string) => {
      input.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
      flushSync();
    };
    const first = chosen()?.id;
    key('ArrowUp');
    key('ArrowDown');
    expect(chosen()?.id).toBe(first);
    for (let steps = 0; steps < 60 && chosen()?.textContent?.trim() !== 'New folder'; steps++)
      key('ArrowDown');
    expect(chosen()?.getAttribute('aria-selected')).toBe('true');
    key('Enter');
    await shows('Create');
    type('Name', 'Clients');
    button('Create').click();
    await vi.waitFor(() => expect(fake.organising.folders.map(({ name }) => name)).toContain('Clients'));
  });

  test('stays closed while a session has the keyboard', async () => {
    openApp(filled(), '#/vault');
    await shows('4 records');
    const session = document.createElement('div');
    session.setAttribute('data-session', '');
    session.tabIndex = 0;
    document.body.append(session);
    session.dispatchEvent(
      new KeyboardEvent('keydown', {
        key: 'k',
        code: 'KeyK',
        ctrlKey: true,
        bubbles: true,
        cancelable: true,
      }),
    );
    flushSync();
    expect(document.querySelector('[role="dialog"]')).toBeNull();
  });
});
