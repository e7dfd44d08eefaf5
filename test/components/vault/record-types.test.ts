import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RecordTemplate } from '../../../protocol/records/templates.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const badge: RecordTemplate = {
  type: 'custom:visitor-badge',
  title: 'Visitor badge',
  fields: [
    { type: 'text', label: 'number', title: 'Badge number' },
    { type: 'secret', label: 'code', title: 'Door code' },
  ],
};

async function withBadges(): Promise<FakeVault> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  await fake.saveCustomTypes([badge]);
  return fake;
}

describe('record types of the organisation', () => {
  test('are offered, and have a form by their fields', async () => {
    const fake = await withBadges();
    openApp(fake, '#/vault');
    await shows('Your vault is empty');
    document.querySelector<HTMLElement>('[aria-keyshortcuts="n"]')?.click();
    await shows('Your organisation');
    button('Visitor badge').click();
    await shows('New visitor badge');
    const labels = [...document.querySelectorAll('form label')].map((label) => label.textContent);
    expect(labels).toEqual(expect.arrayContaining(['Title', 'Badge number', 'Door code']));
  });

  test('name the fields on a record’s page, the filter of the list, and what is hidden stays hidden', async () => {
    const fake = await withBadges();
    const uid = fake.put({
      type: badge.type,
      title: 'Front desk',
      fields: [
        { type: 'text', label: 'number', value: ['17'] },
        { type: 'secret', label: 'code', value: ['4711#'] },
      ],
    });
    fake.put({ type: 'login', title: 'Wiki', fields: [] });
    openApp(fake, `#/vault/${uid}`);
    await shows('Badge number');
    await shows('Door code');
    expect(document.body.textContent).not.toContain('4711#');
    const filter = document.querySelector('[role="toolbar"][aria-label="Type"]');
    expect(filter?.textContent).toContain('Visitor badge');
  });

  test('one that was removed leaves its records readable and editable', async () => {
    const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
    const uid = fake.put({
      type: 'custom:parking-space',
      title: 'Yard',
      fields: [{ type: 'text', label: 'row', value: ['B'] }],
    });
    openApp(fake, `#/vault/${uid}`);
    await shows('Parking space');
    button('Edit').click();
    await shows('Save');
    await vi.waitFor(() => expect(document.querySelector('form')?.textContent).toContain('row'));
  });

  test('appear while the vault is open', async () => {
    const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
    openApp(fake, '#/new/custom:visitor-badge');
    await shows('No such kind of record');
    await fake.saveCustomTypes([badge]);
    await shows('New visitor badge');
  });
});
