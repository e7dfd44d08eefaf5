import { flushSync } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FieldValue, RecordContent } from '../../../protocol/records/content.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { markChosen } from './fields/form.ts';
import { awaitButton, button, buttonIn, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const pins = {
  controllerUid: newUid(),
  applicationUid: newUid(),
  organisationUid: newUid(),
  organisationKey: 'A'.repeat(87),
  rosterVersion: 3,
  gatewayKey: 'B'.repeat(87),
};

const unlocked = () => createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
const record = (type: string, title: string): RecordContent => ({ type, title, fields: [] });

const group = (label: string): HTMLElement =>
  [...document.querySelectorAll<HTMLElement>('[role="group"]')].find(
    (one) => one.querySelector('.label')?.textContent === label,
  ) ?? expect.fail(`nothing to choose for ${label}`);

async function choose(label: string, name: string): Promise<void> {
  (
    group(label).querySelector<HTMLButtonElement>('[data-choose]') ?? buttonIn(group(label), 'Choose a')
  ).click();
  flushSync();
  await vi.waitFor(() => {
    const options = [...document.querySelectorAll<HTMLElement>('[role="option"]')];
    const option = options.find((one) => one.textContent?.includes(name));
    if (option === undefined) throw new Error(`no option ${name}`);
    option.click();
  });
  await vi.waitFor(() => expect(group(label).textContent).toContain(name));
}

function fill(label: string, text: string): void {
  const found = [...document.querySelectorAll('label')].find((one) => one.textContent?.trim() === label);
  const field = document.getElementById(found?.htmlFor ?? '') as HTMLInputElement | null;
  if (field === null) throw new Error(`no field ${label}`);
  field.value = text;
  if (field.localName === 'select') markChosen(field as unknown as HTMLSelectElement);
  for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));
  flushSync();
}

async function save(): Promise<void> {
  button('Save').click();
  await vi.waitFor(() => expect(document.querySelector('form')).toBeNull());
}

const valueOf = (fake: FakeVault, uid: Uid, type: string, label?: string): FieldValue | undefined =>
  fake.records.get(uid)?.content.fields.find((field) => field.type === type && field.label === label)
    ?.value[0];

describe('the configuration of a gateway', () => {
  function configured(): { fake: FakeVault; uid: Uid } {
    const fake = unlocked();
    const fields = [{ type: 'pamResources', value: [pins] }];
    const uid = fake.put({ ...record('pamNetworkConfiguration', 'Berlin'), fields });
    fake.gateways.push({
      ...{ uid: pins.controllerUid, name: 'Berlin', configurationUid: uid },
      ...{ status: 'offline', since: 0, version: '', address: '', tokenExpiresAt: 0 },
    });
    return { fake, uid };
  }

  test('is reached from its gateway, filled in, saved with its pins, and shown by titles', async () => {
    const { fake, uid } = configured();
    const machine = fake.put(record('pamMachine', 'Build host'));
    const admin = fake.put(record('pamUser', 'root'));
    const idp = fake.put(record('pamAzureConfiguration', 'Entra'));
    const folder = await fake.createFolder({ name: 'Found', parentUid: null });
    openApp(fake, '#/gateways');
    await shows('Configuration');
    const link = [...document.querySelectorAll('a')].find((one) =>
      one.textContent?.includes('Configuration'),
    );
    expect(link?.getAttribute('href')).toBe(`#/vault/${uid}`);
    location.hash = `#/vault/${uid}`;
    (await awaitButton('Edit')).click();
    await shows('Network ranges');
    expect(() => button('Share')).toThrow();
    fill('Network ranges', '10.0.0.0/24, fd00::/64');
    fill('Port mapping', '2222=ssh\n33=rdp');
    await choose('Application folder', 'Found');
    await choose('Resources', 'Build host');
    await choose('Identity provider', 'Entra');
    fill('Administrative credential', admin);
    await save();
    expect(valueOf(fake, uid, 'pamResources')).toEqual({
      ...pins,
      ...{ folderUid: folder, resourceRef: [machine], adminCredentialRef: admin },
    });
    expect(valueOf(fake, uid, 'text', 'networkCIDR')).toBe('10.0.0.0/24, fd00::/64');
    expect(valueOf(fake, uid, 'text', 'identityProviderUid')).toBe(idp);
    for (const text of ['Found', 'Build host', 'root', 'Entra', 'Berlin', '10.0.0.0/24']) await shows(text);
    const shown = document.querySelector('article')?.textContent ?? '';
    for (const hidden of [machine, admin, folder, pins.gatewayKey]) expect(shown).not.toContain(hidden);
  });

  test('networks and ports that are none keep it from being saved, and say how they are written', async () => {
    const { fake, uid } = configured();
    openApp(fake, `#/vault/${uid}/edit`);
    await shows('Network ranges');
    fill('Network ranges', '10.0.0.0/33');
    fill('Port mapping', '2222=ssh\n70000=rdp');
    button('Save').click();
    await shows('“10.0.0.0/33” is no network: write 10.0.0.0/24');
    await shows('Line 2: a port and what is there, as 2222=ssh');
    fill('Network ranges', '');
    fill('Port mapping', '3389=rdp');
    await save();
    expect(valueOf(fake, uid, 'multiline', 'portMapping')).toBe('3389=rdp');
  });
});

describe('what a record points at', () => {
  test('a script’s file and records have names, and what is gone says so with what to do', async () => {
    const fake = unlocked();
    const [key, gone, locked] = [fake.put(record('login', 'Deploy key')), newUid(), newUid()];
    const fields = [
      { type: 'script', value: [{ fileRef: 'f', command: 'bash', recordRef: [key, gone, locked] }] },
      { type: 'fileRef', value: [{ fileUid: 'f', name: 'after.sh' }] },
    ];
    const uid = fake.put({ ...record('pamUser', 'root'), fields });
    const verbs: FakeVault = {
      ...fake,
      readRecord: (asked) =>
        asked === locked ? Promise.reject(new ProtocolError('open-failed')) : fake.readRecord(asked),
    };
    openApp(verbs, `#/vault/${uid}`);
    for (const text of [
      'after.sh',
      'Deploy key',
      'No longer there, or not shared with you',
      'Cannot be opened',
    ])
      await shows(text);
    const links = [...document.querySelectorAll('article a')].map((one) => one.getAttribute('href'));
    expect(links).toContain(`#/vault/${key}`);
    await closeApp();
    openApp(verbs, `#/vault/${uid}/edit`);
    await shows('What this points at is gone: remove it, or choose another record.');
    await shows('It cannot be opened on this device; leave it as it is unless you know better.');
    const removals = [...group('Records of script 1').querySelectorAll('button')].filter((one) =>
      one.textContent?.includes('Remove'),
    );
    for (const one of removals.slice(1)) {
      one.click();
      flushSync();
    }
    await save();
    expect(valueOf(fake, uid, 'script')).toEqual({ fileRef: 'f', command: 'bash', recordRef: [key] });
  });

  test('what cannot be opened here is not said to be gone', async () => {
    const fake = unlocked();
    const locked = newUid();
    const fields = [{ type: 'script', value: [{ recordRef: [locked] }] }];
    const uid = fake.put({ ...record('pamUser', 'root'), fields });
    const readRecord = (asked: Uid) =>
      asked === locked ? Promise.reject(new ProtocolError('open-failed')) : fake.readRecord(asked);
    openApp({ ...fake, readRecord }, `#/vault/${uid}/edit`);
    await shows('leave it as it is unless you know better');
    expect(document.body.textContent).not.toContain('is gone');
  });

  test('the same record twice, or no UID at all, shows and takes nothing else away', async () => {
    const fake = unlocked();
    const key = fake.put(record('login', 'Deploy key'));
    const fields = [{ type: 'script', value: [{ recordRef: [key, key, 'nonsense'] }] }];
    const uid = fake.put({ ...record('pamUser', 'root'), fields });
    openApp(fake, `#/vault/${uid}`);
    await shows('Deploy key');
    await shows('No longer there');
  });

  test('machine and user of the files of a desktop are chosen by name, and shown so', async () => {
    const fake = unlocked();
    const [files, user] = [fake.put(record('pamMachine', 'File host')), fake.put(record('pamUser', 'sftp'))];
    const fields = [
      { type: 'pamHostname', value: [{ hostName: 'win.example.org', port: '3389' }] },
      { type: 'pamSettings', value: [{ connection: { protocol: 'rdp' } }] },
    ];
    const uid = fake.put({ ...record('pamMachine', 'win'), fields });
    openApp(fake, `#/vault/${uid}/edit`);
    (await awaitButton('More settings of RDP')).click();
    flushSync();
    await choose('Machine of the files', 'File host');
    await choose('User for the files', 'sftp');
    await save();
    expect(valueOf(fake, uid, 'pamSettings')).toEqual({
      connection: { protocol: 'rdp', sftp: { sftpResourceUid: files, sftpUserUid: user } },
    });
    await shows('File host');
  });

  test('a setting that is wrong opens its part of the form', async () => {
    const fake = unlocked();
    const fields = [
      { type: 'pamHostname', value: [{ hostName: 'h', port: '5900' }] },
      { type: 'pamSettings', value: [{ connection: { protocol: 'vnc', destPort: '99999' } }] },
    ];
    const uid = fake.put({ ...record('pamMachine', 'screen'), fields });
    openApp(fake, `#/vault/${uid}/edit`);
    (await awaitButton('Save')).click();
    await shows('1 to 65535.');
    expect(fake.records.get(uid)?.revision).toBe(1);
  });
});
