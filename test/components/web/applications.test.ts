// The list of applications, one application, its devices, and what waits for its person.
import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { ApplicationView } from '../../../workers/api.ts';
import { application, change, client, clientEvent, share } from '../../fakes/application-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { markChosen } from '../vault/fields/form.ts';
import { button, buttonIn, closeApp, enter, openApp, press as key, shows, type } from './app-page.ts';

afterEach(closeApp);

const patience = { timeout: 60_000 };
const text = () => document.querySelector('main')?.textContent ?? '';
const dialog = () => {
  const open = document.querySelector<HTMLElement>('[role=dialog]');
  if (open === null) throw new Error('no dialog is open');
  return open;
};
const gone = () => vi.waitFor(() => expect(document.querySelector('[role=dialog]')).toBeNull(), patience);
const press = (name: string, part: ParentNode = document) => {
  buttonIn(part, name).click();
  flushSync();
};

/** In the list of that label, the choice of that value. */
function choose(label: string, value: string): void {
  const known = [...document.querySelectorAll('label')].find((one) => one.textContent?.trim() === label);
  const list = known
    ? document.getElementById(known.htmlFor)
    : document.querySelector(`[aria-label="${label}"]`);
  if (!(list instanceof HTMLSelectElement)) throw new Error(`there is no list ${label}`);
  list.value = value;
  markChosen(list);
  list.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
}

function openWith(...applications: ApplicationView[]): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.applications.push(...applications);
  const [first] = applications;
  openApp(fake, first === undefined ? '#/applications' : `#/applications/${first.uid}`);
  return fake;
}

async function openMenu(name: string, item: string): Promise<void> {
  button(`Actions for ${name}`).focus();
  key('Enter');
  const found = () =>
    [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((one) =>
      one.textContent?.includes(item),
    );
  await vi.waitFor(() => expect(found()).toBeDefined(), patience);
  found()?.click();
  flushSync();
}

test('an empty list says what an application is for, and one is made and shown', async () => {
  const fake = openWith();
  await shows('No application yet');
  expect(text()).toContain('a script, a CI job or a service');
  press('New application');
  await vi.waitFor(dialog, patience);
  type('Name', '  Deploy ');
  press('Create', dialog());
  await shows('Nothing can read yet');
  expect(fake.applications).toMatchObject([{ name: 'Deploy' }]);
  expect(location.hash).toBe(`#/applications/${fake.applications[0]?.uid ?? ''}`);
});

test('the list tells what each has, how many devices and when it was used, and renames', async () => {
  const shop = application({ name: 'Shop', clients: 2, shares: [share({}), share({ kind: 'folder' })] });
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.applications.push(shop, application({ name: 'Backup' }));
  openApp(fake, '#/applications');
  await shows('1 record, 1 folder · 2 devices');
  expect(text()).toContain('Nothing yet · 0 devices · Never used');
  await openMenu('Shop', 'Rename');
  await vi.waitFor(dialog, patience);
  type('Name', 'Web shop');
  press('Rename', dialog());
  await shows('Web shop');
});

test('what has devices is deleted only by its name, what has none with one press', async () => {
  const fake = openWith(application({ name: 'Shop', clients: 1 }));
  await shows('Usage');
  press('Delete Shop');
  await vi.waitFor(dialog, patience);
  expect(dialog().textContent).toContain('what runs there gets no secrets any more');
  type('Type its name', 'shop');
  press('Delete application', dialog());
  await shows('That is not its name.');
  expect(fake.applications).toHaveLength(1);
  type('Type its name', 'Shop');
  press('Delete application', dialog());
  await shows('No application yet');
  fake.applications.push(application({ name: 'Unused' }));
  fake.set({ applicationsVersion: 9 });
  await shows('Unused');
  await openMenu('Unused', 'Delete');
  await vi.waitFor(dialog, patience);
  press('Delete application', dialog());
  await vi.waitFor(() => expect(fake.applications).toHaveLength(0), patience);
});

test('records and shared folders are found by words and given together', async () => {
  const shop = application({ name: 'Shop' });
  const fake = openWith(shop);
  fake.put({ type: 'login', title: 'Registry', fields: [] });
  fake.put({ type: 'login', title: 'Mail', fields: [] });
  const had = fake.put({ type: 'login', title: 'Registry of before', fields: [] });
  fake.applications[0] = { ...shop, shares: [share({ uid: had, title: 'Registry of before' })] };
  const folder = { parentUid: null, sharedFolderUid: null, count: 0, manageMembers: true } as const;
  fake.organising.folders.push(
    { uid: newUid(), name: 'Registries', kind: 'shared', manageRecords: true, ...folder },
    { uid: newUid(), name: 'Registry of others', kind: 'shared', manageRecords: false, ...folder },
  );
  fake.set({ applicationsVersion: 5 });
  await shows('Registry of before');
  press('Give it something');
  await vi.waitFor(() => expect(dialog().querySelectorAll('fieldset label')).toHaveLength(3), patience);
  enter(dialog().querySelector('input[type=search]'), 'registr');
  await vi.waitFor(() => expect(dialog().querySelectorAll('fieldset label')).toHaveLength(2), patience);
  for (const box of dialog().querySelectorAll<HTMLInputElement>('fieldset input')) box.click();
  enter(dialog().querySelector('input[type=search]'), 'mail');
  await vi.waitFor(() => expect(dialog().querySelectorAll('fieldset label')).toHaveLength(3), patience);
  press('Give 2 items', dialog());
  await gone();
  expect(fake.applications[0]?.shares.map(({ title, kind }) => [title, kind])).toEqual([
    ['Registry of before', 'record'],
    ['Registries', 'folder'],
    ['Registry', 'record'],
  ]);
  await shows('Being made ready');
});

test('what it may do is changed in its row, and a refusal is said and changes nothing', async () => {
  const registry = share({ title: 'Registry' });
  const shop = application({ shares: [registry] });
  const fake = openWith(shop);
  const may = 'What it may do with Registry';
  fake.shareToApplication = async ({ editable }) => {
    fake.applications[0] = application({ ...shop, shares: [{ ...registry, editable }] });
    fake.set({ applicationsVersion: 7 });
  };
  await shows('Registry');
  choose(may, 'edit');
  await vi.waitFor(() => expect(fake.applications[0]?.shares[0]?.editable).toBe(true), patience);
  vi.spyOn(fake, 'shareToApplication').mockRejectedValueOnce(new ProtocolError('not-allowed'));
  choose(may, 'read');
  await shows('Not changed: you are not allowed to do this');
  const shown = () => document.querySelector<HTMLSelectElement>('main select')?.value;
  await vi.waitFor(() => expect(shown()).toBe('edit'), patience);
});

test('what it has is taken back after a question; what does not reach it, and files left out, are said', async () => {
  const lost = share({ title: 'Lost one', state: 'lost' });
  const disk = { recordUid: newUid(), recordTitle: 'Big', name: 'disk.img', reason: 'too-large' } as const;
  const filesLeftOut = [disk];
  const fake = openWith(application({ shares: [share({ title: 'Big', filesLeftOut }), lost] }));
  await shows('“disk.img” is left out: applications get files of up to 256 MiB');
  expect(text()).toContain('its devices do not get it');
  press('Take Lost one back');
  await vi.waitFor(dialog, patience);
  expect(fake.applications[0]?.shares).toHaveLength(2);
  press('Take back', dialog());
  await vi.waitFor(() => expect(fake.applications[0]?.shares).toHaveLength(1), patience);
});

test('a token is concealed until it is asked for, and the dialog is not closed unseen without a word', async () => {
  const fake = openWith(application({ name: 'Shop' }));
  await shows('Nothing can read yet');
  press('Add device');
  await vi.waitFor(dialog, patience);
  type('Name', 'runner-1');
  press('Add device', dialog());
  await shows('Shown this once');
  expect(dialog().textContent).toContain('This server is not reached by HTTPS'); // and this page came by none
  expect(dialog().textContent).not.toContain('dGhlLW9uZS');
  for (const shown of ['vault.example.test', '20', 'BAAA-key']) expect(dialog().textContent).toContain(shown);
  press('Done', dialog());
  await shows('You have neither looked at it nor copied it');
  press('Back', dialog());
  await shows('Shown this once');
  dialog().focus(); // off the button: an Escape would be for its tooltip first
  await vi.waitFor(() => expect(document.querySelector('[data-tooltip-content]')).toBeNull(), patience);
  key('Escape'); // which asks like Done, and closes nothing by itself
  await shows('You have neither looked at it nor copied it');
  expect(dialog().dataset['state']).toBe('open');
  key('Escape'); // one that is held down says it many times
  flushSync();
  expect(dialog().dataset['state']).toBe('open');
  press('Back', dialog());
  press('Show One-time token', dialog());
  expect(dialog().textContent).toContain('vault.example.test:dGhlLW9uZS10aW1lLXRva2Vu');
  press('Done', dialog());
  await gone();
  expect(fake.addedClients).toMatchObject([
    { name: 'runner-1', form: 'token', tokenMs: 3_600_000, accessExpiresAt: 0, lockIp: false },
  ]);
  await shows('Waiting for its first use');
  expect(document.body.textContent).not.toContain('dGhlLW9uZS');
});

test('a configuration comes as base64, JSON and a Kubernetes Secret, with the terms that were chosen', async () => {
  const fake = openWith(application({ name: 'Shop' }));
  await shows('Nothing can read yet');
  press('Add device');
  await vi.waitFor(dialog, patience);
  type('Name', 'cluster');
  dialog().querySelector<HTMLInputElement>('input[value=configuration]')?.click();
  dialog().querySelector<HTMLElement>('[role=switch]')?.click();
  flushSync();
  expect(dialog().textContent).not.toContain('The token waits for');
  press('Add device', dialog());
  await shows('Shown this once');
  for (const form of ['KSM_CONFIG, base64', 'JSON', 'Kubernetes Secret']) press(`Show ${form}`, dialog());
  for (const shown of ['{"hostname"', 'kind: Secret', btoa('{"hostname":"vault.example.test"}')])
    expect(dialog().textContent).toContain(shown);
  expect(fake.addedClients).toMatchObject([{ form: 'configuration', lockIp: true }]);
});

test('devices tell their state; one is renamed, and revoked after a question', async () => {
  const shop = application({ name: 'Shop' });
  const fake = openWith(shop);
  fake.applicationClients.set(shop.uid, [
    client({ name: 'runner-1', lockIp: true }),
    client({ name: 'late', status: 'token-expired', firstAccessAt: 0, lastAccessAt: 0, address: '' }),
    client({ name: 'over', status: 'access-expired', accessExpiresAt: Date.now() - 1_000 }),
  ]);
  fake.set({ applicationsVersion: 3 });
  await shows('JavaScript client 17.5.0');
  for (const told of ['from 192.0.2.7', 'only from 192.0.2.7', 'Its token expired unused', 'Access ended'])
    expect(text()).toContain(told);
  await openMenu('late', 'Rename');
  await vi.waitFor(dialog, patience);
  type('Name', 'runner-2');
  press('Rename', dialog());
  await shows('runner-2');
  await openMenu('runner-1', 'Revoke');
  await vi.waitFor(dialog, patience);
  expect(fake.applicationClients.get(shop.uid)).toHaveLength(3);
  press('Revoke', dialog());
  await vi.waitFor(() => expect(fake.applicationClients.get(shop.uid)).toHaveLength(2), patience);
});

test('usage is read page by page, and narrowed to one device, a revoked one too', async () => {
  const shop = application({});
  const fake = openWith(shop);
  const now = Date.now();
  fake.applicationClients.set(shop.uid, [client({ clientId: 'a', name: 'runner-1' })]);
  fake.applicationEvents.set(shop.uid, [
    clientEvent({ at: now, clientId: 'a', count: 12 }),
    clientEvent({ at: now - 1, clientId: 'a', name: 'app_client_access_denied', method: 'update_secret' }),
    clientEvent({ at: now - 2, clientId: 'b', clientName: 'old', name: 'app_client_connected' }),
    clientEvent({ at: now - 3, clientId: 'b', clientName: 'old', name: 'app_something_new' }),
  ]);
  fake.set({ applicationsVersion: 3 });
  await shows('12 times within a minute');
  expect(text()).toContain('it asked for update_secret');
  expect(text()).toContain('First use of its token');
  expect(text()).not.toContain('this version does not know');
  press('Show older ones');
  await shows('Something that this version does not know');
  const filter = document.querySelector<HTMLSelectElement>('select[aria-label="Whose events"]');
  expect([...(filter?.options ?? [])].map(({ text: label }) => label)).toEqual([
    ...['All devices', 'runner-1', 'old (revoked)'],
  ]);
  choose('Whose events', 'b');
  await vi.waitFor(
    () => expect(document.querySelectorAll('ul[aria-label=Usage] li')).toHaveLength(2),
    patience,
  );
});

test('what waits is counted beside the link, and accepted or turned down', async () => {
  const fake = openWith();
  const [gone_, open] = [change({ title: 'Build host' }), change({ kind: 'transaction', title: 'Mail' })];
  fake.applicationChanges.push(gone_, open, change({ kind: 'unreadable', title: 'Odd' }));
  fake.set({ applicationsVersion: 3 });
  await shows('Deploy deleted “Build host”');
  const link = () => document.querySelector('a[href="#/applications"]')?.textContent ?? '';
  expect(link()).toContain('3');
  press('Move to the trash');
  await shows('Build host is in the trash');
  press('Undo it');
  await shows('Mail is as it was before');
  press('Dismiss');
  await vi.waitFor(() => expect(link().trim()).toBe('Applications'), patience);
  expect(fake.settled.map(({ accept }) => accept)).toEqual([true, false, false]);
});

test('a folder is deleted only after a question, and one that changed meanwhile is not', async () => {
  const fake = openWith();
  fake.applicationChanges.push(change({ kind: 'delete-folder', title: 'Keys' }));
  fake.set({ applicationsVersion: 3 });
  await shows('deleted the folder “Keys”');
  press('Delete the folder');
  await vi.waitFor(dialog, patience);
  expect(fake.settled).toEqual([]);
  fake.applicationChanges.splice(0, 1, change({ kind: 'delete-folder', title: 'Keys' }));
  press('Delete the folder', dialog());
  await shows('The application changed it once more');
  expect(fake.settled).toEqual([]);
});

test('what was decided is not asked again while the list of what waits is read anew', async () => {
  const fake = openWith();
  fake.applicationChanges.push(change({ kind: 'delete-folder', title: 'Keys' }), change({ title: 'Mail' }));
  fake.set({ applicationsVersion: 3 });
  await shows('deleted the folder “Keys”');
  const list = vi.spyOn(fake, 'listApplicationChanges').mockReturnValue(new Promise(() => undefined));
  press('Keep it', document.querySelector('main li') ?? undefined);
  await shows('Keys stays');
  expect(list).toHaveBeenCalled();
  expect(text()).not.toContain('deleted the folder “Keys”');
  expect(text()).toContain('deleted “Mail”');
});

test('a record’s page names the applications that have it and what waits, and gives it to a new one', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  const uid = fake.put({ type: 'login', title: 'Registry', fields: [] });
  const folder = share({ kind: 'folder', title: 'Staging' });
  fake.insides.set(uid, folder.uid);
  fake.applications.push(application({ name: 'Shop', shares: [share({ uid, editable: true })] }));
  fake.applications.push(application({ name: 'Tester', shares: [folder] }));
  fake.applicationChanges.push(change({ objectUid: uid, title: 'Registry', applicationName: 'Shop' }));
  openApp(fake, `#/vault/${uid}`);
  await shows('Read and change');
  await shows('in the folder Staging');
  await shows('Shop deleted “Registry”');
  button('More').focus();
  key('Enter');
  const item = () =>
    [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((one) =>
      one.textContent?.includes('Give to an application'),
    );
  await vi.waitFor(() => expect(item()).toBeDefined(), patience);
  item()?.click();
  await vi.waitFor(dialog, patience);
  expect(dialog().textContent).toContain('It has it already: read and change.');
  choose('Application', 'new');
  type('Its name', 'Backup');
  press('Give', dialog());
  await vi.waitFor(
    () => expect(fake.applications.find(({ name }) => name === 'Backup')?.shares).toMatchObject([{ uid }]),
    patience,
  );
});

test('offline, the page says so and shows what it knows when the link is back', async () => {
  const fake = createFakeVault({ phase: 'unlocked', link: 'off' });
  const list = vi.spyOn(fake, 'listApplications').mockRejectedValue(new ProtocolError('offline'));
  openApp(fake, '#/applications');
  await shows('No connection to the server');
  list.mockRestore();
  fake.set({ link: 'connected' });
  await shows('No application yet');
  expect(text()).not.toContain('No connection to the server');
});
