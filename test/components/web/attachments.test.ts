import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { droppedFiles } from '../../../web/files/dropped-files.ts';
import { formatSize } from '../../../web/files/file-size.ts';
import { mayPreview, previewOf } from '../../../web/files/preview.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import AppHarness from './AppHarness.svelte';

let app: ReturnType<typeof mount> | null = null;

afterEach(async () => {
  if (app !== null) await unmount(app);
  app = null;
  document.body.replaceChildren();
});

async function open(): Promise<{ fake: FakeVault; recordUid: Uid }> {
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const recordUid = fake.put({ type: 'login', title: 'shop', fields: [] });
  location.hash = `#/vault/${recordUid}`;
  app = mount(AppHarness, { target: document.body, props: { verbs: fake } });
  await vi.waitFor(() => expect(document.querySelector('[aria-label="Attachments"]')).not.toBeNull(), {
    timeout: 60_000,
  });
  return { fake, recordUid };
}

const text = () => document.body.textContent ?? '';
const shows = (wanted: string) => vi.waitFor(() => expect(text()).toContain(wanted));
const button = (name: string) =>
  [...document.querySelectorAll('button')].find(
    ({ textContent }) => textContent?.replace(/\s+/g, ' ').trim() === name,
  ) ?? expect.unreachable(`no button ${name}`);
const press = (name: string) => {
  button(name).click();
  flushSync();
};

function choose(
  file: File,
  input = document.querySelector<HTMLInputElement>('input[type=file][multiple]'),
): void {
  Object.defineProperty(input, 'files', { value: [file], configurable: true });
  input?.dispatchEvent(new Event('change', { bubbles: true }));
}

describe('attachments of a record', () => {
  test('a chosen file is listed, previewed as text whatever it calls itself, and leaves with an undo', async () => {
    const { fake, recordUid } = await open();
    expect(text()).toContain('Drop files here');
    const evil = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    choose(new File([evil], 'logo.svg', { type: 'image/svg+xml' }));
    await shows('logo.svg');
    press('Preview logo.svg');
    await vi.waitFor(() => expect(document.querySelector('pre')?.textContent).toBe(evil));
    expect(document.querySelector('.modal img, .modal script')).toBeNull();
    press('Close');
    expect(fake.files.get(recordUid)).toHaveLength(1);
    const [file] = await fake.listFiles(recordUid);
    await fake.removeFile({ recordUid, fileUid: file?.fileUid ?? expect.unreachable() });
    await vi.waitFor(() => expect(text()).toContain('Drop files here'));
  });

  test('an upload that stopped says why and goes on; one without its file asks for it again', async () => {
    const { fake, recordUid } = await open();
    const upload = { recordUid, name: 'disk.img', size: 10_000_000, done: 4_000_000, modifiedAt: 1 };
    const failure = { code: 'limit-reached', message: 'the files of this account may take 1 GiB' } as const;
    const stopped = { ...upload, fileUid: newUid(), state: 'stopped', failure } as const;
    const needed = {
      ...upload,
      fileUid: newUid(),
      name: 'b.img',
      state: 'file-needed',
      failure: null,
    } as const;
    const resumed = vi.spyOn(fake, 'resumeTransfer');
    fake.showTransfers([stopped, needed]);
    await shows('A limit was reached');
    const progress = document.querySelector('progress');
    expect([progress?.getAttribute('aria-label'), progress?.getAttribute('value')]).toEqual([
      'Uploading disk.img',
      '0.4',
    ]);
    press('Go on with disk.img');
    expect(resumed).toHaveBeenCalledWith({ fileUid: stopped.fileUid });
    await vi.waitFor(() => expect(text()).not.toContain('disk.img'));
    const again = new File(['x'], 'b.img');
    choose(again, document.querySelector('li input[type=file]'));
    expect(resumed).toHaveBeenCalledWith({ fileUid: needed.fileUid, file: again });
  });

  test('an upload that locking stopped goes on by itself with the file that was picked', async () => {
    const { fake, recordUid } = await open();
    const file = new File(['content'], 'a.txt', { lastModified: 5 });
    vi.spyOn(fake, 'attachFiles').mockRejectedValue(
      Object.assign(new Error('stopped'), { name: 'cancelled' }),
    );
    const resumed = vi.spyOn(fake, 'resumeTransfer').mockResolvedValue();
    choose(file);
    fake.showTransfers([]);
    const fileUid = newUid();
    const view = { fileUid, recordUid, name: 'a.txt', size: 7, done: 0, modifiedAt: 5, failure: null };
    fake.showTransfers([{ ...view, state: 'file-needed' }]);
    await vi.waitFor(() => expect(resumed).toHaveBeenCalledWith({ fileUid, file }));
    expect(text()).not.toContain('Not attached');
  });

  test('cancelling is a press, and is told to the worker', async () => {
    const { fake, recordUid } = await open();
    const fileUid = newUid();
    const view = { fileUid, recordUid, name: 'a.txt', size: 7, done: 0, modifiedAt: 5, failure: null };
    fake.showTransfers([{ ...view, state: 'running' }]);
    await shows('a.txt');
    press('Cancel a.txt');
    await vi.waitFor(() => expect(text()).not.toContain('a.txt'));
  });
});

describe('what is in a file', () => {
  const bytes = (...parts: (string | number[])[]) =>
    new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

  test('is judged by its bytes', () => {
    expect(previewOf(bytes([0x89], 'PNG\r\n', [0x1a, 0x0a, 0]))).toEqual({
      kind: 'image',
      type: 'image/png',
    });
    expect(previewOf(bytes([0xff, 0xd8, 0xff, 0xe0]))).toEqual({ kind: 'image', type: 'image/jpeg' });
    expect(previewOf(bytes('RIFF1234WEBP'))).toEqual({ kind: 'image', type: 'image/webp' });
    expect(previewOf(bytes('<html><script>'))).toEqual({ kind: 'text', text: '<html><script>' });
    expect(previewOf(bytes('grüß dich'))).toEqual({ kind: 'text', text: 'grüß dich' });
    expect(previewOf(bytes([0xff, 0xfe, 0x41]))).toEqual({ kind: 'none' });
    expect(previewOf(bytes('a\0b'))).toEqual({ kind: 'none' });
    expect(previewOf(new Uint8Array(300_000).fill(0x41))).toEqual({ kind: 'none' });
  });

  test('is offered where it is likely to be shown', () => {
    const file = (name: string, mediaType = '', size = 10) => mayPreview({ name, mediaType, size });
    expect([file('a.PEM'), file('notes', 'text/plain'), file('x.png', 'image/png')]).toEqual([
      true,
      true,
      true,
    ]);
    expect([file('a.exe'), file('x.svg', 'image/svg+xml'), file('a.txt', '', 2 ** 20)]).toEqual([
      false,
      true,
      false,
    ]);
    expect(file('x.png', 'image/png', 2 ** 26)).toBe(false);
  });

  test('has a size that a person reads', () => {
    expect([0, 1, 999, 1_400, 20_000_000, 5_368_709_120].map(formatSize)).toEqual([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1.4 kB',
      '20 MB',
      '5.4 GB',
    ]);
  });
});

test('of a drop, files are taken and folders counted', () => {
  const file = new File(['x'], 'a.txt');
  const item = (isDirectory: boolean) => ({
    kind: 'file',
    getAsFile: () => file,
    webkitGetAsEntry: () => ({ isDirectory }),
  });
  const items = [item(false), item(true), { kind: 'string' }];
  const data = { items } as unknown as DataTransfer;
  expect(droppedFiles(data)).toEqual({ files: [file], folders: 1 });
  expect(droppedFiles(null)).toEqual({ files: [], folders: 0 });
});
