import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, press, shows } from '../web/app-page.ts';

afterEach(closeApp);

const login = (user: string, password: string) => ({
  type: 'login',
  title: 'shop',
  fields: [
    { type: 'login', value: [user] },
    { type: 'password', value: [password] },
  ],
});

async function twice(): Promise<{ fake: FakeVault; uid: Uid }> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const uid = fake.put(login('ada', 'the old secret'));
  await fake.saveRecord({ uid, baseRevision: 1, content: login('grace', 'the new secret') });
  return { fake, uid };
}

async function openHistory(): Promise<void> {
  await shows('shop');
  const more = await vi.waitFor(
    () =>
      [...document.querySelectorAll<HTMLElement>('article button')].find((one) =>
        one.textContent?.includes('More'),
      ) ?? expect.fail('no menu'),
  );
  more.focus();
  press('ArrowDown', more);
  const item = await vi.waitFor(
    () =>
      [...document.querySelectorAll<HTMLElement>('[role="menuitem"]')].find((one) =>
        one.textContent?.includes('History'),
      ) ?? expect.fail('no item'),
  );
  item.focus();
  press('Enter', item);
}

describe('the history of a record', () => {
  test('says what changed and who did it, without any secret', async () => {
    const { fake, uid } = await twice();
    openApp(fake, `#/vault/${uid}`);
    await openHistory();
    await shows('Current version');
    await shows('Version 1');
    await shows('Changed since');
    expect(document.querySelector('[role="dialog"] del')?.textContent).toBe('ada');
    expect(document.querySelector('[role="dialog"] ins')?.textContent).toBe('grace');
    await shows('A secret value, not shown');
    await shows('You');
    expect(document.body.textContent).not.toContain('the old secret');
  });

  test('a former version comes back as a new one', async () => {
    const { fake, uid } = await twice();
    openApp(fake, `#/vault/${uid}`);
    await openHistory();
    await shows('Restore version 1');
    button('Restore version 1').click();
    await shows('Version 1 is back');
    expect(fake.records.get(uid)).toMatchObject({ revision: 3, content: login('ada', 'the old secret') });
  });

  test('what was not kept is said, and what is kept', async () => {
    const { fake, uid } = await twice();
    const listed = await fake.listHistory(uid);
    const [newest, first] = listed;
    if (!newest || !first) throw new Error('two versions');
    fake.listHistory = () =>
      Promise.resolve([
        { ...newest, revision: 300 },
        { ...first, revision: 180, verified: false, byFormerKeys: true },
        { ...first, revision: 178, verified: false },
        { ...first, revision: 1 },
      ]);
    openApp(fake, `#/vault/${uid}`);
    await openHistory();
    await shows('119 versions before it not kept');
    await shows('Signed with keys that were replaced since');
    await shows('Signature not verified');
    await shows('One version before it not kept');
    await shows('176 versions before it not kept');
    await shows('the newest 50 of the owner’s own');
  });

  test('a record that never changed has none', async () => {
    const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
    openApp(fake, `#/vault/${fake.put(login('ada', 'x'))}`);
    await openHistory();
    await shows('This record was never changed.');
  });
});
