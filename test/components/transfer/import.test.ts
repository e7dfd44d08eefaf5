import { flushSync } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows } from '../web/app-page.ts';

afterEach(closeApp);

const table = `name,login,secret word,note\nshop,ada,hunter2hunter2,first\nbank,grace,correcthorse,second\n`;

async function open(): Promise<FakeVault> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  openApp(fake, '#/transfer');
  await shows('Drop a file here');
  return fake;
}

function choose(name: string, text: string): void {
  const input = document.querySelector<HTMLInputElement>('input[type=file]');
  Object.defineProperty(input, 'files', { value: [new File([text], name)], configurable: true });
  input?.dispatchEvent(new Event('change', { bubbles: true }));
}

function becomes(header: string, choice: string): void {
  const select = document.querySelector<HTMLSelectElement>(`[aria-label="What ${header} becomes"]`);
  if (select === null) throw new Error(`no column ${header}`);
  select.value = choice;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
}

describe('an import', () => {
  test('of a table: columns are given, seen first, made, reported and taken back', async () => {
    const fake = await open();
    choose('things.csv', table);
    await shows('Say what each column holds.');
    becomes('name', 'title');
    becomes('login', 'login');
    becomes('secret word', 'password');
    becomes('note', 'ignore');
    button('Show what this makes').click();
    await shows('things.csv: 2 records');
    expect(fake.exchanged.records.size).toBe(0);
    expect(document.body.textContent).not.toContain('hunter2hunter2');
    button('Back to the columns').click();
    await shows('Say what each column holds.');
    button('Show what this makes').click();
    await shows('Import 2 records');
    button('Import 2 records').click();
    await shows('Move these to the trash');
    const titles = [...fake.exchanged.records.values()].map(({ content }) => content.title);
    expect(titles.sort()).toEqual(['bank', 'shop']);
    const trashed = vi.fn(fake.trashRecords);
    fake.trashRecords = trashed;
    button('Move these to the trash').click();
    const made = [...fake.exchanged.records.keys()];
    await vi.waitFor(() => expect(trashed.mock.calls[0]?.[0]).toEqual(made));
    await shows('Drop a file here');
  });

  test('of machines offers to confirm them in one go, each shown with where it leads', async () => {
    const fake = await open();
    const seen = { revision: 1, protocol: 'ssh', port: 22, user: 'root' };
    const machines = [
      { ...seen, uid: newUid(), title: 'web', host: '10.0.0.5' },
      { ...seen, uid: newUid(), title: 'db', host: 'fd00::7', port: 2222, user: '' },
    ];
    let waiting = machines;
    fake.listMachinesToConfirm = async (uids) => (uids?.length === 2 ? waiting : []);
    const undone = vi.fn(async () => {});
    fake.undo = undone;
    const ended = Promise.withResolvers<void>();
    let begun: string | undefined;
    fake.cancelBulk = async (run) => void (run === begun && ended.resolve());
    const confirmed = vi.fn(async (given, onProgress, run) => {
      begun = run;
      onProgress?.(1, given.length);
      await ended.promise;
      waiting = [];
      return { token: 'confirmed', changed: 1, of: 2, stopped: 'cancelled' } as const;
    });
    fake.confirmMachines = confirmed satisfies FakeVault['confirmMachines'];
    choose('things.csv', table);
    await shows('Say what each column holds.');
    becomes('name', 'title');
    button('Show what this makes').click();
    await shows('Import 2 records');
    button('Import 2 records').click();
    await shows('Confirm 2 machines');
    button('Confirm 2 machines').click();
    await shows('ssh 10.0.0.5:22');
    const dialog = document.querySelector('[role=dialog]');
    expect(dialog?.textContent).toContain('ssh [fd00::7]:2222');
    expect(dialog?.textContent).toContain('nobody yet');
    const [agree] = [...(dialog?.querySelectorAll('button') ?? [])].filter((one) =>
      one.textContent?.includes('Confirm 2 machines'),
    );
    agree?.click();
    await shows('1 of 2');
    expect(confirmed.mock.calls[0]?.[0]).toEqual(
      machines.map(({ uid }) => ({ recordUid: uid, revision: 1 })),
    );
    button('Cancel').click();
    await shows('1 of 2 machines confirmed');
    button('Undo').click();
    await vi.waitFor(() => expect(undone).toHaveBeenCalled());
  });

  test('of a file that nothing reads says so', async () => {
    await open();
    choose('holiday.png', '\u0089PNG\u0000\u0000');
    await shows('holiday.png is none of the known formats');
  });

  test('of an encrypted file asks for its password until it opens', async () => {
    const fake = await open();
    const content = { type: 'login', title: 'shop', fields: [] };
    fake.exchanged.records.set(newUid(), { content, folderUid: null, favourite: false, tags: [] });
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    await fake.exportVault(
      { format: 'sealed', password: 'a long enough phrase' },
      (chunk) => void chunks.push(chunk),
    );
    const input = document.querySelector<HTMLInputElement>('input[type=file]');
    Object.defineProperty(input, 'files', {
      value: [new File(chunks, 'vault.sallyport')],
      configurable: true,
    });
    input?.dispatchEvent(new Event('change', { bubbles: true }));
    await shows('vault.sallyport is encrypted.');
    await tryPassword('not the one at all');
    await shows('This password does not open it.');
    await tryPassword('a long enough phrase');
    await shows('vault.sallyport: 1 record');
  });

  async function tryPassword(password: string): Promise<void> {
    const field = document.querySelector<HTMLInputElement>('form input[type=password]');
    if (field === null) throw new Error('no password is asked for');
    field.value = password;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    button('Open').click();
    await vi.waitFor(() => expect(button('Open').disabled).toBe(false)).catch(() => undefined);
  }
});

describe('an export', () => {
  test('in clear warns first, and makes nothing when it is cancelled', async () => {
    const fake = await open();
    const exported = vi.fn(fake.exportVault);
    fake.exportVault = exported;
    document.querySelector<HTMLInputElement>('input[value=csv]')?.click();
    flushSync();
    button('Export').click();
    await shows('Export without encryption?');
    button('Cancel').click();
    await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')).toBeNull());
    expect(exported).not.toHaveBeenCalled();
  });

  test('encrypted needs a password, twice the same', async () => {
    await open();
    const fields = [...document.querySelectorAll<HTMLInputElement>('form input[type=password]')];
    const fill = (field: HTMLInputElement | undefined, text: string) => {
      if (field === undefined) throw new Error('no field');
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      flushSync();
    };
    expect(button('Export').disabled).toBe(true);
    fill(fields[0], 'a long enough phrase');
    fill(fields[1], 'a long enough phras');
    await shows('This is not the same.');
    expect(button('Export').disabled).toBe(true);
    fill(fields[1], 'a long enough phrase');
    expect(button('Export').disabled).toBe(false);
  });
});
