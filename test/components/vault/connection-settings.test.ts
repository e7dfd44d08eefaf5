import { flushSync } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  emptyContent,
  recordTemplates,
  templateOf,
  type RecordTemplate,
} from '../../../protocol/records/templates.ts';
import { hasLinks } from '../../../protocol/records/links.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { Vault } from '../../../web/state/vault.svelte.ts';
import { RecordDraft } from '../../../web/vault/record-draft.svelte.ts';
import { linesOf } from '../../../web/vault/fields/field-lines.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { markChosen } from './fields/form.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const unlocked = () => createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });

function input(label: string): HTMLInputElement & HTMLSelectElement {
  const found = [...document.querySelectorAll('label')].find((one) => one.textContent?.trim() === label);
  const element = document.getElementById(found?.htmlFor ?? '');
  if (element === null) throw new Error(`no field ${label}`);
  return element as HTMLInputElement & HTMLSelectElement;
}

function fill(label: string, text: string): void {
  const element = input(label);
  element.value = text;
  if (element.localName === 'select') markChosen(element);
  for (const kind of ['input', 'change']) element.dispatchEvent(new Event(kind, { bubbles: true }));
  flushSync();
}

async function openSettings(protocol: string): Promise<void> {
  await vi.waitFor(() => button(`More settings of ${protocol}`).click(), { timeout: 60_000 });
  flushSync();
}

function putMachine(fake: FakeVault, connection: Readonly<Record<string, unknown>>): Uid {
  const fields = [
    { type: 'pamHostname', value: [{ hostName: 'win.example.org', port: '3389' }] },
    { type: 'pamSettings', value: [{ connection }] },
  ];
  return fake.put({ type: 'pamMachine', title: 'win', fields });
}

function settingsOf(fake: FakeVault, uid: Uid, field = 'pamSettings') {
  return fake.records.get(uid)?.content.fields.find(({ type }) => type === field)?.value[0];
}

async function save(): Promise<void> {
  button('Save').click();
  await vi.waitFor(() => expect(document.querySelector('form')).toBeNull(), { timeout: 60_000 });
}

describe('settings of a connection', () => {
  test('a machine over RDP is shown, says what it lacks, and is edited', async () => {
    const fake = unlocked();
    const uid = putMachine(fake, { protocol: 'rdp', security: 'nla', serverLayout: 'de' });
    openApp(fake, `#/vault/${uid}`);
    await shows('Choose a gateway under Edit to connect.');
    await shows('Network level authentication');
    await closeApp();
    openApp(fake, `#/vault/${uid}/edit`);
    await openSettings('RDP');
    expect(input('Security').value).toBe('nla');
    fill('Security', 'tls');
    input('Ignore the certificate').click();
    await save();
    expect(settingsOf(fake, uid)).toEqual({
      connection: { protocol: 'rdp', security: 'tls', ignoreCert: true, serverLayout: 'de' },
    });
  });

  test('limits and watermark of a session are set, and a limit that cannot be meant is not saved', async () => {
    const fake = unlocked();
    const uid = putMachine(fake, { protocol: 'ssh' });
    openApp(fake, `#/vault/${uid}/edit`);
    await openSettings('SSH');
    fill('Minutes without input until a session ends', '0');
    fill('Minutes that a session lasts at most', '480');
    input('Watermark: person, machine and time over the screen').click();
    button('Save').click();
    await shows('A whole number of minutes, 1 to 10080.');
    fill('Minutes without input until a session ends', '15');
    await save();
    expect(settingsOf(fake, uid)).toEqual({
      connection: { protocol: 'ssh', idleTimeoutMinutes: 15, maxSessionMinutes: 480, watermark: true },
    });
  });

  test('a secret in the settings stays in the worker while others are changed', async () => {
    const fake = unlocked();
    const uid = putMachine(fake, { protocol: 'kubernetes', clientKey: 'the key', namespace: 'a' });
    openApp(fake, `#/vault/${uid}/edit`);
    await openSettings('Kubernetes');
    expect(input('Namespace').value).toBe('a');
    expect(input('Key of the client').value).toBe('');
    fill('Namespace', 'b');
    await save();
    expect(settingsOf(fake, uid)).toMatchObject({ connection: { namespace: 'b', clientKey: 'the key' } });
  });

  test('another protocol brings its port and its settings', () => {
    const draft = RecordDraft.create(templateOf('pamMachine') as RecordTemplate);
    draft.setProtocol('vnc');
    expect(draft.host.port).toBe('5900');
    draft.host = { hostName: 'h', port: '5999' };
    draft.setProtocol('telnet');
    expect(draft.host.port).toBe('5999');
    expect(draft.settings.connection.protocol).toBe('telnet');
  });

  test('settings that another client wrote wrongly do not keep the form from opening', async () => {
    const fake = unlocked();
    const uid = putMachine(fake, { protocol: 'carrier-pigeon', launchCredentialUid: 'nonsense' });
    openApp(fake, `#/vault/${uid}/edit`);
    await vi.waitFor(() => expect(input('Protocol').value).toBe('ssh'), { timeout: 60_000 });
  });

  test('terminal colours of one’s own are typed, checked, and survive other changes', async () => {
    const fake = unlocked();
    const own = 'foreground: rgb:cc/cc/cc; color1: red';
    const uid = putMachine(fake, { protocol: 'ssh', colorScheme: own });
    openApp(fake, `#/vault/${uid}/edit`);
    await vi.waitFor(() => expect(input('Colours').value).toBe(own), { timeout: 60_000 });
    fill('Colours', 'red <on> black');
    button('Save').click();
    await shows('Names and colours with semicolons between');
    fill('Colours', 'background: white');
    input('Copy out of the session').click();
    flushSync();
    await save();
    expect(settingsOf(fake, uid)).toMatchObject({
      connection: { colorScheme: 'background: white', disableCopy: true },
    });
  });

  test('every type that links users has protocols and a form of settings', () => {
    for (const template of recordTemplates.filter(({ type }) => hasLinks(type))) {
      const draft = new RecordDraft(null, emptyContent(template), template);
      expect(draft.settings.connection.protocol).not.toBe('');
      draft.setConnection({ disableCopy: true });
      expect(draft.settings.connection.disableCopy).toBe(true);
    }
  });
});

describe('what a configuration holds', () => {
  test('its gateway, administrative credential, schedule and scripts are filled in and shown', async () => {
    const fake = unlocked();
    const user = fake.put({ type: 'pamUser', title: 'root', fields: [] });
    openApp(fake, '#/new/pamAwsConfiguration');
    await vi.waitFor(() => expect(input('Title')).not.toBeNull(), { timeout: 60_000 });
    fill('Title', 'Cloud');
    await vi.waitFor(() => expect(input('Administrative credential').options.length).toBe(2));
    fill('Administrative credential', user);
    fill('When', 'WEEKLY');
    fill('Day of the week', 'MONDAY');
    fill('Time in UTC, as 15:44', '04:00');
    fill('Every so many weeks', '2');
    button('Add a script').click();
    flushSync();
    fill('Command of script 1', 'bash');
    button('Save').click();
    await vi.waitFor(() => expect(fake.records.size).toBe(2));
    const content = [...fake.records.values()].at(-1)?.content;
    const valueOf = (type: string) => content?.fields.find((field) => field.type === type)?.value[0];
    expect(valueOf('pamResources')).toEqual({ adminCredentialRef: user });
    expect(valueOf('schedule')).toEqual({
      type: 'WEEKLY',
      weekday: 'MONDAY',
      utcTime: '04:00',
      intervalCount: 2,
    });
    expect(valueOf('script')).toEqual({ command: 'bash' });
    await shows('Every week');
  });

  test('a schedule is read as a person says it', () => {
    const field = { type: 'schedule', value: [{ type: 'CRON', cron: '0 0 4 * * ?', tz: 'Etc/UTC' }] };
    const place = { path: { group: 'fields', index: 0 }, withheld: [], template: null } as const;
    expect(linesOf({ field, title: 'Rotation schedule', ...place })).toEqual([
      {
        kind: 'prose',
        title: 'Rotation schedule',
        text: 'By a cron expression\nCron, six parts with the seconds first: 0 0 4 * * ?\nTime zone: Etc/UTC',
      },
    ]);
  });
});

test('what the page hears from the worker sends nothing back: its own state cannot go there', async () => {
  const fake = unlocked();
  const answers: unknown[] = [];
  const watch: FakeVault['watch'] = (listener) =>
    fake.watch((state) => {
      answers.push((listener as (given: typeof state) => unknown)(state));
    });
  const vault = new Vault({ ...fake, watch });
  await vault.open();
  vault.close();
  expect(answers).toEqual([undefined]);
});
