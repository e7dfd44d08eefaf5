import { afterEach, describe, expect, test, vi } from 'vitest';
import { chunksOf, readWhole } from '../../../web/files/chunk-stream.ts';
import { openSaveTarget } from '../../../web/files/save-target.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { FileView } from '../../../workers/api.ts';

const fileOf = (size: number, chunks = 1): FileView => ({
  ...{ fileUid: newUid(), name: 'disk.img', mediaType: '' },
  ...{ size, chunks },
});
const large = fileOf(64 * 1024 * 1024);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A place that remembers what was written to it. */
function fakeHandle() {
  const written: Uint8Array[] = [];
  const stream = {
    write: vi.fn(async (chunk: Uint8Array) => void written.push(chunk)),
    close: vi.fn(async () => {}),
    abort: vi.fn(async () => {}),
  };
  const getFile = vi.fn(async () => new File(written as BlobPart[], 'parked'));
  return { written, stream, handle: { createWritable: async () => stream, getFile } };
}

describe('where a download goes', () => {
  test('a small file goes to the downloads at once', async () => {
    const clicked: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push(`${this.download} ${this.href.slice(0, 5)} ${this.target}`);
    });
    const target = await openSaveTarget(fileOf(10));
    await target.write(bytes('0123456789'));
    await target.finish();
    expect(clicked).toEqual(['disk.img blob: ']);
  });

  test('a large one goes where the person says, and stays as it was when it fails', async () => {
    const { written, stream, handle } = fakeHandle();
    vi.stubGlobal('showSaveFilePicker', async (options: object) => {
      expect(options).toEqual({ suggestedName: 'disk.img' });
      return handle;
    });
    const target = await openSaveTarget(large);
    await target.write(bytes('a'));
    await target.finish();
    expect([written.length, stream.close.mock.calls.length]).toEqual([1, 1]);
    await (await openSaveTarget(large)).drop();
    expect(stream.abort).toHaveBeenCalledOnce();
  });

  test('choosing no place is no failure of the page', async () => {
    vi.stubGlobal('showSaveFilePicker', () => Promise.reject(new DOMException('closed', 'AbortError')));
    await expect(openSaveTarget(large)).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('without a picker it is parked in private storage, and what was parked before goes', async () => {
    const { written, handle } = fakeHandle();
    const folder = { getFileHandle: vi.fn(async () => handle), removeEntry: vi.fn(async () => {}) };
    const root = {
      getDirectoryHandle: vi.fn(async () => folder),
      removeEntry: vi.fn(() => Promise.reject(new DOMException('', 'NotFoundError'))),
    };
    vi.stubGlobal('navigator', { storage: { getDirectory: async () => root } });
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
    const target = await openSaveTarget(large);
    await target.write(bytes('a'));
    await target.finish();
    expect(root.removeEntry).toHaveBeenCalledWith('downloads', { recursive: true });
    expect([written.length, handle.getFile.mock.calls.length]).toEqual([1, 1]);
    const second = await openSaveTarget(large);
    await second.drop();
    expect(folder.removeEntry).toHaveBeenCalledOnce();
  });

  test('a browser with neither says so before anything is fetched', async () => {
    vi.stubGlobal('navigator', {});
    await expect(openSaveTarget(large)).rejects.toMatchObject({ code: 'too-large' });
  });
});

describe('chunks of a download', () => {
  const source = (chunks: number, signal = new AbortController().signal) => {
    const asked: number[] = [];
    const readFileChunk = vi.fn(async ({ index }: { index: number }) => {
      asked.push(index);
      return bytes(String(index));
    });
    return {
      asked,
      source: { verbs: { readFileChunk }, recordUid: newUid(), file: fileOf(chunks, chunks), signal },
    };
  };

  test('come in order, and only a few are asked for ahead of the writer', async () => {
    const { asked, source: from } = source(8);
    const got: string[] = [];
    for await (const chunk of chunksOf(from)) {
      got.push(Buffer.from(chunk).toString());
      expect(asked.length - got.length).toBeLessThanOrEqual(3);
    }
    expect(got.join('')).toBe('01234567');
    expect(Buffer.from(await readWhole(source(3).source)).toString()).toBe('012');
  });

  test('end when the download is cancelled', async () => {
    const stop = new AbortController();
    const { source: from } = source(8, stop.signal);
    const reading = async () => {
      for await (const chunk of chunksOf(from)) if (chunk) stop.abort();
    };
    await expect(reading()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
