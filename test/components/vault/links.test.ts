import { afterEach, describe, expect, test, vi } from 'vitest';
import { linksOf, type LinkRole } from '../../../protocol/records/links.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { linkedUsers, withoutUser, withRole, withUser } from '../../../web/vault/links/user-links.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const machine: RecordContent = {
  type: 'pamDatabase',
  title: 'orders',
  fields: [{ type: 'pamSettings', value: [] }],
};

function filled(): { fake: FakeVault; deploy: Uid; admin: Uid; machineUid: Uid } {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const user = (title: string) =>
    fake.put({ type: 'pamUser', title, fields: [{ type: 'login', value: [title] }] });
  const [deploy, admin] = [user('deploy'), user('admin')];
  return { fake, deploy, admin, machineUid: fake.put(machine) };
}

const linksIn = (fake: FakeVault, uid: Uid) =>
  linksOf(fake.records.get(uid)?.content ?? machine).map(({ recordUid, role }) => [recordUid, role]);

const option = (name: string) =>
  [...document.querySelectorAll<HTMLElement>('[role="option"]')].find((one) =>
    one.textContent?.includes(name),
  ) ?? expect.fail(`no option ${name}`);

const role = (user: string, name: string) =>
  [...document.querySelectorAll(`[aria-label="Roles of ${user}"] button`)].find(
    (one) => one.textContent === name,
  ) as HTMLButtonElement;

async function link(name: string): Promise<void> {
  button('Link a user').click();
  await vi.waitFor(() => option(name).click());
  await vi.waitFor(() => expect(document.querySelector(`[aria-label="Roles of ${name}"]`)).not.toBeNull());
}

describe('the users of a machine', () => {
  test('are linked from the vault, get roles, and are saved with the record', async () => {
    const { fake, deploy, admin, machineUid } = filled();
    openApp(fake, `#/vault/${machineUid}/edit`);
    await shows('Link a user');
    await link('deploy');
    await link('admin');
    role('deploy', 'Launch credential').click();
    role('admin', 'Administrative credential').click();
    await vi.waitFor(() =>
      expect(role('admin', 'Administrative credential').getAttribute('aria-pressed')).toBe('true'),
    );
    button('Save').click();
    await vi.waitFor(() =>
      expect(linksIn(fake, machineUid)).toEqual([
        [deploy, 'launch'],
        [admin, 'administrative'],
      ]),
    );
  });

  test('who is linked already is not offered again, and is unlinked by one press', async () => {
    const { fake, machineUid } = filled();
    openApp(fake, `#/vault/${machineUid}/edit`);
    await shows('Link a user');
    await link('deploy');
    button('Link a user').click();
    await vi.waitFor(() => option('admin'));
    expect(() => option('deploy')).toThrow('no option');
    button('Cancel', 1).click();
    await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).toBeNull());
    (document.querySelector('[data-remove]') as HTMLButtonElement).click();
    await vi.waitFor(() => expect(document.querySelector('[data-remove]')).toBeNull());
  });

  test('a new user is made and linked in one go', async () => {
    const { fake, machineUid } = filled();
    openApp(fake, `#/vault/${machineUid}/edit`);
    await shows('Link a user');
    button('Link a user').click();
    await vi.waitFor(() => button('New user').click());
    const title = await vi.waitFor(
      () => document.querySelector<HTMLInputElement>('#new-user input') ?? expect.fail('no form'),
    );
    title.value = 'backup';
    title.dispatchEvent(new Event('input', { bubbles: true }));
    button('Save user').click();
    await vi.waitFor(() => expect(role('backup', 'Launch credential')).toBeDefined());
  });

  test('are links on its page, and the page of a user says what uses it', async () => {
    const { fake, deploy, machineUid } = filled();
    const gone = newUid();
    const content = withUser(withRole(machine, deploy, 'launch', true), gone);
    const before = fake.records.get(machineUid);
    if (before) fake.records.set(machineUid, { ...before, content });
    openApp(fake, `#/vault/${machineUid}`);
    await shows('Launch credential');
    await shows('No longer there');
    const links = [...document.querySelectorAll('article a')];
    expect(links.map((one) => one.getAttribute('href'))).toContain(`#/vault/${deploy}`);
    location.hash = `#/vault/${deploy}`;
    await shows('Used by');
    const uses = [...document.querySelectorAll('article a')].map((one) => one.getAttribute('href'));
    expect(uses).toContain(`#/vault/${machineUid}`);
  });
});

describe('roles', () => {
  const [one, other] = [newUid(), newUid()];
  const rolesIn = (content: RecordContent) =>
    Object.fromEntries(linkedUsers(content).map(({ recordUid, roles }) => [recordUid, roles]));

  test('a role that only one can have goes over, and its former holder stays linked', () => {
    const content = withRole(withRole(machine, one, 'launch', true), other, 'launch', true);
    expect(rolesIn(content)).toEqual({ [other]: ['launch'], [one]: [] });
  });

  test('whoever loses a role stays linked; whoever is unlinked has none left', () => {
    const both = withRole(withRole(machine, one, 'launch', true), one, 'administrative', true);
    expect(rolesIn(both)).toEqual({ [one]: ['launch', 'administrative'] });
    const without = withRole(withRole(both, one, 'launch', false), one, 'administrative', false);
    expect(rolesIn(without)).toEqual({ [one]: [] });
    expect(linksOf(withoutUser(both, one))).toEqual([]);
  });

  test('settings that are not valid link nobody', () => {
    const fields = [{ type: 'pamSettings', value: [{ connection: 'none' }] }];
    expect(linkedUsers({ ...machine, fields })).toEqual([]);
  });

  test.each<LinkRole>(['launch', 'administrative', 'user'])('every role has a name: %s', async (name) => {
    const { roleTitles } = await import('../../../web/vault/links/user-links.ts');
    expect(roleTitles[name]).toMatch(/^[A-Z]/);
  });
});
