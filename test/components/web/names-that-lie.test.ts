// Attack class 30, on the screen: every name that another person may have given is hostile here, and the whole page is
// read for a sign that would turn the text around it. test/hostile/30-names-that-lie.test.ts has the signs themselves.
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { AccessView, AccessWay } from '../../../workers/api.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { awaitButton, button, closeApp, openApp, press, shows } from './app-page.ts';

/** An override, an isolate that is not closed, a sign without width, and letters that run the other way. */
const lie = (what: string) => `${what}\u202egpj.\u2067\u200b\u05d0.exe`;
const turning = /[\u202a-\u202e\u2066\u2067\u200b\ufeff]/;
const rightToLeft = /[\u0590-\u08ff]/;

let fake: FakeVault;
let record: Uid;
let machine: Uid;

beforeEach(async () => {
  fake = createFakeVault({ phase: 'unlocked', email: lie('ada') });
  record = fake.put({
    type: 'login',
    title: lie('Bank'),
    fields: [
      { type: 'login', value: [lie('login')] },
      { type: 'url', value: ['https://bank.example/'] },
    ],
    custom: [{ type: 'text', label: lie('label'), value: [lie('value')] }],
  });
  machine = fake.put({ type: 'pamMachine', title: lie('Host'), fields: connection() });
  fake.access.set(machine, given(machine));
  const folderUid = await fake.createFolder({ name: lie('Folder'), parentUid: null });
  await fake.moveRecords({ uids: [record], folderUid });
  await fake.changeTags({ uids: [record], add: [lie('tag')], remove: [] });
  await fake.attachFiles({ recordUid: record, files: [new File(['x'], lie('invoice'))] });
  await fake.createGateway({ name: lie('Berlin') });
  await fake.createTeam({ name: lie('Team'), memberUids: [] });
  fake.people.push({ ...person(), email: lie('grace') });
  fake.offers.push({ ...offer(), title: lie('Offer'), fromEmail: lie('mallory') });
});
afterEach(closeApp);

function person(): FakeVault['people'][number] {
  return { accountUid: newUid(), email: '', pin: 'pinned' };
}
function offer(): FakeVault['offers'][number] {
  return { recordUid: newUid(), title: '', fromUid: newUid(), fromEmail: '' };
}

function connection(): RecordContent['fields'] {
  const settings = { launchCredentialUid: record, protocol: 'ssh' };
  return [
    { type: 'pamHostname', value: [{ hostName: 'web.example.org', port: '22' }] },
    { type: 'pamSettings', value: [{ configurationUid: newUid(), connection: settings }] },
  ];
}
/** Another's, and from them through a folder. */
function given(objectUid: Uid): AccessView {
  const rights = { records: 'view', manageMembers: false, manageRecords: false, owner: false } as const;
  const [uid, by] = [newUid(), { byUid: newUid(), byEmail: lie('eve') }];
  const way: AccessWay = {
    ...{ ...by, rights, grantee: { kind: 'account', uid }, name: lie('bob'), until: null, pin: 'pinned' },
    ...{ folderUid: newUid(), folderName: lie('Shared'), offered: false, toYou: true },
  };
  const ways = [way, { ...way, folderUid: null, folderName: null }];
  return {
    ...{ objectUid, kind: 'record', ways, own: rights, mayShare: true },
    ...{ ownerUid: by.byUid, ownerEmail: by.byEmail },
  };
}

/** Every text of the page that a person sees or hears, with the element that it is in. */
function texts(): readonly (readonly [string, Element | null])[] {
  const found: (readonly [string, Element | null])[] = [[document.title, null]];
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  while (walker.nextNode())
    found.push([walker.currentNode.textContent ?? '', walker.currentNode.parentElement]);
  for (const element of document.querySelectorAll('*'))
    for (const name of ['aria-label', 'title', 'alt', 'placeholder'])
      found.push([element.getAttribute(name) ?? '', null]);
  return found;
}

/** What turns, and names from right to left that are not held together by an element or by isolating signs. */
function lies(): readonly string[] {
  return texts().flatMap(([text, parent]) => {
    const outside = text.replaceAll(/\u2068[^\u2068\u2069]*\u2069/g, '');
    if (turning.test(text)) return [`turns: ${JSON.stringify(text)}`];
    if (rightToLeft.test(outside) && parent?.closest('bdi') === null) return [`not isolated: ${text}`];
    if (rightToLeft.test(outside) && parent === null) return [`not isolated: ${text}`];
    return [];
  });
}

const named = (what: string) => shows(`${what}U+202Egpj.U+2067 U+200B`);

async function at(hash: string, what: string): Promise<void> {
  location.hash = hash;
  await vi.waitFor(() => expect(document.body.textContent).toMatch(new RegExp(`${what}\\[?U\\+202E`)), {
    timeout: 60_000,
  });
  flushSync();
  expect(lies()).toEqual([]);
}

test('no page and no dialog lets a name turn what is beside it', async () => {
  openApp(fake, `#/vault/${record}`);
  await named('invoice');
  await at(`#/vault/${record}`, 'Bank');
  for (const name of ['Share', 'Share by link']) {
    button(name).click();
    await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).not.toBeNull());
    flushSync();
    expect(lies()).toEqual([]);
    press('Escape', document.querySelector('[role="dialog"]'));
    await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).toBeNull());
  }
  await at(`#/vault/${record}/edit`, 'Bank');
  await at('#/gateways', 'Berlin');
  await at('#/people', 'Team');
  await at('#/settings', 'ada');
  location.hash = '#/vault';
  await at('#/vault', 'Folder');
  press('k', document.body, { ctrlKey: true, code: 'KeyK' });
  await vi.waitFor(() => expect(document.querySelector('[role="option"]')).not.toBeNull());
  flushSync();
  expect(lies()).toEqual([]);
});

test('nor an access list, nor a session and its tab', async () => {
  openApp(fake, `#/vault/${machine}`);
  await shows('bob[U+202E]');
  await shows('Shared[U+202E]');
  expect(lies()).toEqual([]);
  (await awaitButton('Leave all of eve')).click();
  await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).not.toBeNull());
  flushSync();
  expect(lies()).toEqual([]);
  press('Escape', document.querySelector('[role="dialog"]'));
  (await awaitButton('Connect')).click();
  await vi.waitFor(() => expect(document.querySelector('[role="tab"]')?.textContent).toMatch(/HostU\+202E/));
  await vi.waitFor(() => expect(document.querySelector('[role="toolbar"] h1')).not.toBeNull());
  flushSync();
  const labels = [...document.querySelectorAll('[role="status"]')].map((one) =>
    one.getAttribute('aria-label'),
  );
  expect(labels).toContainEqual(expect.stringContaining('Connecting to \u2068Host[U+202E]'));
  expect(document.body.innerHTML).not.toContain('&lt;Name');
  expect(lies()).toEqual([]);
});

test('a message about it says the name as it is', async () => {
  openApp(fake, '#/gateways');
  await named('Berlin');
  const remove = [...document.querySelectorAll('button')].find((one) => one.textContent?.includes('Delete'));
  remove?.click();
  (await awaitButton('Delete')).click();
  await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).not.toBeNull());
  const inDialog = [...document.querySelectorAll<HTMLButtonElement>('[role="dialog"] button')];
  expect(lies()).toEqual([]);
  inDialog.find((one) => one.textContent?.trim() === 'Delete')?.click();
  await vi.waitFor(() => expect(document.querySelector('.toast')?.textContent).toContain('Berlin[U+202E]'));
  expect(lies()).toEqual([]);
});
