import { mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { RecordTypeDraft } from '../../../web/organisation/record-type-draft.svelte.ts';
import { invitationLinkOf, takeInvitation } from '../../../web/organisation/invitation-link.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from '../web/AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

function open(fake: FakeVault): void {
  location.hash = '#/people';
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
}

const shows = (text: string) =>
  vi.waitFor(() => expect(document.body.textContent).toContain(text), { timeout: 60_000 });
const button = (name: string) =>
  vi.waitFor(() => {
    const found = [...document.querySelectorAll('button')].find(
      ({ textContent }) => textContent?.trim() === name,
    );
    if (!found) throw new Error(`no button ${name}`);
    return found;
  });
function type(label: string, text: string): void {
  const caption = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === label);
  const input = document.getElementById(caption?.htmlFor ?? '');
  if (!(input instanceof HTMLInputElement)) throw new Error(`no field ${label}`);
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}
const submit = (id: string) =>
  document.getElementById(id)?.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));

test('an administrator invites, and the link is shown once', async () => {
  open(createFakeVault({ phase: 'unlocked', email: 'ada@example.test' }));
  await shows('grace@example.test');
  (await button('Invite')).click();
  await shows('The link works for');
  type('Email', 'new@example.test');
  submit('invite');
  await shows(`#invitation=${'x'.repeat(107)}`);
  (await button('Done')).click();
  await vi.waitFor(() => expect(document.body.textContent).not.toContain('#invitation='));
  await shows('new@example.test');
  const withdraw = await button('Withdraw the invitation of new@example.test');
  withdraw.click();
  await shows('The invitation of new@example.test is withdrawn');
});

test('an administrator makes a team', async () => {
  open(createFakeVault({ phase: 'unlocked', email: 'ada@example.test' }));
  await shows('grace@example.test');
  (await button('New team')).click();
  await shows('Create');
  type('Name', 'Operations');
  const grace = [...document.querySelectorAll('label')].find(
    ({ textContent }) => textContent?.trim() === 'grace@example.test',
  );
  grace?.querySelector('input')?.click();
  submit('team');
  await shows('Team created');
  await shows('Operations');
});

test('an invitation leaves the address bar at once', () => {
  const fragment = 'a'.repeat(107);
  history.replaceState(null, '', new URL(invitationLinkOf(fragment)).hash);
  expect(takeInvitation()).toBe(fragment);
  expect(location.hash).toBe('');
  history.replaceState(null, '', '#invitation=short');
  expect(takeInvitation()).toBeNull();
  expect(location.hash).toBe('');
});

test('a record type gets a name of its own and keeps the labels that records know', () => {
  const draft = new RecordTypeDraft(null);
  draft.title = 'Badge Nº 1';
  draft.fields[0]!.title = 'Number';
  expect(draft.problem).toBeNull();
  const type = draft.template([{ type: 'custom:badge-no-1', title: 'Badge', fields: [] }]);
  expect(type).toEqual({
    type: 'custom:badge-no-1-2',
    title: 'Badge Nº 1',
    fields: [{ type: 'text', title: 'Number', label: 'Number' }],
  });
  const edited = new RecordTypeDraft({ ...type, fields: [{ type: 'text', title: 'Number', label: 'old' }] });
  edited.add('text', 'Number ');
  expect(edited.problem).toMatch(/same name/);
  edited.fields.at(-1)!.title = 'Other';
  expect(edited.template([]).fields.map(({ label }) => label)).toEqual(['old', 'Other']);
});
