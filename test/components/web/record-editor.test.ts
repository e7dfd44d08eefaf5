import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import type { Uid } from '../../../protocol/uid.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

async function open(fake: FakeVault, hash: string): Promise<void> {
  location.hash = hash;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
  await vi.waitFor(() => expect(document.querySelector('form')).not.toBeNull(), { timeout: 60_000 });
}

function field(label: string): HTMLInputElement {
  const found = [...document.querySelectorAll('label')].find((element) => element.textContent === label);
  const input = document.getElementById(found?.htmlFor ?? '');
  if (input === null) throw new Error(`no field ${label}`);
  return input as HTMLInputElement;
}

function type(label: string, text: string): void {
  const input = field(label);
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

function press(name: string): void {
  const found = [...document.querySelectorAll('button')].find(
    (element) => element.textContent?.trim() === name,
  );
  if (found === undefined) throw new Error(`no button ${name}`);
  found.click();
  flushSync();
}

const text = () => document.body.textContent ?? '';

function unlocked(): FakeVault {
  return createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
}

function putUser(fake: FakeVault): Uid {
  return fake.put({
    type: 'pamUser',
    title: 'deploy',
    fields: [
      { type: 'login', value: ['deploy'] },
      { type: 'password', value: ['the old secret'] },
    ],
  });
}

describe('the record form', () => {
  test('a machine without title and host is not saved, and says why', async () => {
    const fake = unlocked();
    await open(fake, '#/new/pamMachine');
    press('Save');
    expect(text()).toContain('Give it a title.');
    expect(text()).toContain('Give a host name or an address.');
    expect(fake.records.size).toBe(0);
  });

  test('a new login is saved with what was typed', async () => {
    const fake = unlocked();
    await open(fake, '#/new/login');
    type('Title', 'Wiki');
    type('Login', 'ada');
    type('Password', 'wiki secret');
    press('Save');
    await vi.waitFor(() => expect(fake.records.size).toBe(1));
    const [record] = fake.records.values();
    expect(record?.content).toMatchObject({
      title: 'Wiki',
      fields: [{ value: ['ada'] }, { value: ['wiki secret'] }, {}, {}, {}],
    });
  });

  test('an untouched password is neither shown nor lost', async () => {
    const fake = unlocked();
    const uid = putUser(fake);
    await open(fake, `#/vault/${uid}/edit`);
    expect(field('Password').value).toBe('');
    expect(field('Password').placeholder).toBe('Unchanged');
    type('Login', 'root');
    press('Save');
    await vi.waitFor(() => expect(fake.records.get(uid)?.revision).toBe(2));
    expect(fake.records.get(uid)?.content.fields[1]?.value).toEqual(['the old secret']);
  });

  test('a host key that is pasted is pinned and shown by its fingerprint; what is none is said', async () => {
    const fake = unlocked();
    await open(fake, '#/new/pamMachine');
    await vi.waitFor(() => expect(text()).toContain('Host key (optional)'));
    const leave = () => {
      field('Host key (optional)').dispatchEvent(new Event('change', { bubbles: true }));
      flushSync();
    };
    type('Host key (optional)', 'SHA256:abc');
    leave();
    expect(text()).toContain('There is no public host key in it');
    type('Host key (optional)', 'web-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5');
    leave();
    await vi.waitFor(() => expect(text()).toContain('ssh-ed25519 SHA256:'));
    press('Forget');
    expect(field('Host key (optional)').value).toBe('');
  });

  test('a newer version elsewhere is not overwritten without asking', async () => {
    const fake = unlocked();
    const uid = putUser(fake);
    await open(fake, `#/vault/${uid}/edit`);
    type('Login', 'mine');
    const stored = fake.records.get(uid);
    if (stored) Object.assign(stored, { revision: 5 });
    press('Save');
    await vi.waitFor(() => expect(text()).toContain('Changed elsewhere'));
    expect(fake.records.get(uid)?.revision).toBe(5);
    press('Keep mine');
    await vi.waitFor(() => expect(fake.records.get(uid)?.revision).toBe(6));
    expect(fake.records.get(uid)?.content.fields[0]?.value).toEqual(['mine']);
  });

  test('leaving with changes asks first', async () => {
    const fake = unlocked();
    await open(fake, `#/vault/${putUser(fake)}/edit`);
    type('Login', 'changed');
    press('Cancel');
    await vi.waitFor(() => expect(text()).toContain('Discard your changes?'));
    press('Keep editing');
    expect(field('Login').value).toBe('changed');
  });
});
