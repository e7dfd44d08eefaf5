// What a page makes of the machine's files, over the gateway's own file desk and a server that a test makes odd.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { encodeRemoteFileAnswer } from '../../../protocol/channel/remote-files.ts';
import type { SaveTarget } from '../../../web/files/save-target.ts';
import { Download } from '../../../web/session/files/file-transfer.svelte.ts';
import { keyOf, partsOf, textOf } from '../../../web/session/files/name-text.ts';
import { RequestStream } from '../../../web/session/files/request-stream.ts';
import { SessionFiles } from '../../../web/session/files/session-files.svelte.ts';
import { attributesAnswer, namesAnswer, sftpPacket, SftpPeer } from '../../fakes/sftp-peer.ts';
import { bytesOf, deskWithPage, type DeskWithPage } from '../../fixtures/file-desk.ts';

const met: DeskWithPage[] = [];
afterEach(async () => {
  for (const { desk, breakOff } of met.splice(0)) {
    breakOff();
    await desk.close(true);
  }
});

/** A session whose machine is that peer; again for one that was lost. */
function connect(files: SessionFiles, peer: SftpPeer): DeskWithPage {
  const made = deskWithPage(() => Promise.resolve(peer.channel));
  met.push(made);
  files.offer({ files: made.page, upload: true, download: true, drive: '' });
  files.begin();
  return made;
}

const shownNames = (files: SessionFiles) => files.folder.files.map(({ text }) => text);
const states = (files: SessionFiles) => files.transfers.map(({ state }) => state);
const fileOf = (text: string, name = 'new.txt') => new File([text], name);

/** An upload that the end of its session broke off. */
async function brokenUpload(files: SessionFiles) {
  const peer = new SftpPeer();
  peer.odd = ({ type }) => (type === 6 ? null : undefined);
  const lost = connect(files, peer);
  await files.upload([fileOf('some text')]);
  await expect.poll(() => peer.count(6)).toBe(1);
  files.lose();
  lost.breakOff();
  await expect.poll(() => states(files)).toEqual(['failed']);
  const [broken] = files.transfers;
  if (broken === undefined) throw new Error('no upload');
  return { broken, peer };
}

/** The names of parts in requests: all of them, or of one type. */
const partsIn = (peer: SftpPeer, only: number | null = null) =>
  peer.requests
    .filter(({ type }) => only === null || type === only)
    .flatMap(({ body }) => /\.sallyport-[0-9a-f]{32}\.part/.exec(body.toString()) ?? []);

describe('a folder', () => {
  const listing = [
    { name: 'b10', mode: 0o100644, size: 5 },
    { name: 'b9', mode: 0o100644, size: 50 },
    { name: '.kept', mode: 0o100600, size: 1 },
    { name: 'z-folder', mode: 0o040755, size: 4096 },
  ];

  test('shows folders first, then names as people count, hidden ones when asked, in the order asked for', async () => {
    const peer = new SftpPeer();
    let given = false;
    peer.odd = ({ type, id }) => {
      if (type !== 12 || given) return undefined;
      given = true;
      return namesAnswer(id, listing);
    };
    const files = new SessionFiles();
    connect(files, peer);
    await files.folder.go(null);
    expect(shownNames(files).slice(0, 3)).toEqual(['z-folder', 'b9', 'b10']);
    expect(files.folder.hiddenCount).toBe(1);
    files.folder.hidden = true;
    expect(shownNames(files)).toContain('.kept');
    files.folder.order = 'size';
    expect(shownNames(files).slice(0, 3)).toEqual(['z-folder', 'b9', 'file']);
  });

  test('that cannot be shown says why, and the one before stays', async () => {
    const files = new SessionFiles();
    connect(files, new SftpPeer());
    await files.folder.go(null);
    await files.folder.go(bytesOf('/nowhere'));
    expect(files.folder.failure).toBe('no-such-file');
    expect(shownNames(files)).toEqual(['file']);
    files.lose();
    await files.folder.reload();
    expect(files.folder.failure).toBe('unavailable');
  });

  test('has names that are told apart though they look the same', () => {
    const [one, two] = [new Uint8Array([0x61, 0xff]), new Uint8Array([0x61, 0xfe])];
    expect(textOf(one)).toBe(textOf(two));
    expect(keyOf(one)).not.toBe(keyOf(two));
    expect(partsOf(bytesOf('/a/bc')).map(({ text, path }) => [text, textOf(path)])).toEqual([
      ['/', '/'],
      ['a', '/a'],
      ['bc', '/a/bc'],
    ]);
  });
});

describe('an upload', () => {
  test('is done, and the folder shows what is there now', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.alloc(0);
    const files = new SessionFiles();
    connect(files, peer);
    await files.upload([fileOf('some text')]);
    await expect.poll(() => states(files)).toEqual(['done']);
    expect(peer.content.toString()).toBe('some text');
    files.clear();
    expect(files.transfers).toEqual([]);
  });

  test('onto a file that is there asks, and replaces it when told', async () => {
    const peer = new SftpPeer();
    const files = new SessionFiles();
    connect(files, peer);
    await files.upload([fileOf('new content, longer', 'file')]);
    await expect.poll(() => states(files)).toEqual(['exists']);
    expect(peer.content.toString()).toBe('content');
    const [asking] = files.transfers;
    if (asking !== undefined) files.replace(asking);
    await expect.poll(() => states(files)).toEqual(['done']);
    expect(peer.content.toString()).toBe('new content, longer');
  });

  test('that broke off goes on in the next session, as the same transfer', async () => {
    const files = new SessionFiles();
    const { broken, peer: first } = await brokenUpload(files);
    expect(broken).toMatchObject({ failure: 'connection-lost', goesOn: true });
    const second = new SftpPeer();
    second.content = Buffer.alloc(0);
    connect(files, second);
    files.retry(broken);
    await expect.poll(() => states(files)).toEqual(['done']);
    expect(partsIn(second)[0]).toBe(partsIn(first)[0]);
  });

  test('that broke off and is cancelled in the next session leaves nothing on the machine', async () => {
    const files = new SessionFiles();
    const { broken, peer: first } = await brokenUpload(files);
    const second = new SftpPeer();
    second.odd = ({ type, id, body }) =>
      type === 7 && body.toString().includes('.part') ? attributesAnswer(id, 0o100644, 4) : undefined;
    connect(files, second);
    const cancelled = files.cancel(broken);
    expect(files.transfers).toEqual([]);
    await cancelled;
    expect(partsIn(second, 13)).toEqual([partsIn(first)[0]]);
  });

  test('that broke off and may not go on any more leaves nothing on the machine either', async () => {
    const files = new SessionFiles();
    const { broken, peer: first } = await brokenUpload(files);
    const second = new SftpPeer();
    second.odd = ({ type, id, body }) => {
      if (type !== 7) return undefined; // somebody else made the file meanwhile
      return attributesAnswer(id, 0o100644, body.toString().includes('.part') ? 4 : 9);
    };
    connect(files, second);
    files.retry(broken);
    await expect.poll(() => states(files)).toEqual(['exists']);
    await expect.poll(() => partsIn(second, 13)).toEqual([partsIn(first)[0]]);
  });

  test('that broke off is cancelled without a session, too, and a machine that keeps its part hinders nobody', async () => {
    const files = new SessionFiles();
    const { broken } = await brokenUpload(files);
    await files.cancel(broken);
    expect(files.transfers).toEqual([]);
    const { broken: other } = await brokenUpload(files);
    const refusing = new SftpPeer();
    refusing.odd = ({ type, id, body }) => {
      if (type === 13) return sftpPacket(101, id, 3, Buffer.from('no'), Buffer.from(''));
      return type === 7 && body.toString().includes('.part') ? attributesAnswer(id, 0o100644, 4) : undefined;
    };
    connect(files, refusing);
    await files.cancel(other);
    expect(partsIn(refusing, 13)).toHaveLength(1);
    expect(files.transfers).toEqual([]);
  });

  test('waits for its turn when three run, and a cancelled one leaves the list', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type }) => (type === 6 ? null : undefined);
    const files = new SessionFiles();
    connect(files, peer);
    await files.upload(['a', 'b', 'c', 'd'].map((name) => fileOf('x', name)));
    expect(states(files)).toEqual(['running', 'running', 'running', 'waiting']);
    for (const transfer of files.transfers.slice(1)) await files.cancel(transfer);
    await expect.poll(() => states(files)).toEqual(['running']);
  });

  test('whose turn had not come when the session was lost has it in the next one', async () => {
    const [first, second] = [new SftpPeer(), new SftpPeer()];
    first.odd = ({ type }) => (type === 6 ? null : undefined);
    second.content = Buffer.alloc(0);
    const files = new SessionFiles();
    const lost = connect(files, first);
    await files.upload(['a', 'b', 'c', 'd'].map((name) => fileOf('x', name)));
    files.lose();
    lost.breakOff();
    await expect.poll(() => states(files)).toEqual(['failed', 'failed', 'failed', 'waiting']);
    connect(files, second);
    await expect.poll(() => states(files)).toEqual(['failed', 'failed', 'failed', 'done']);
  });
});

test('an answer that came in two parts before anybody asked for it is whole', async () => {
  const answer = encodeRemoteFileAnswer({ answer: { case: 'ready', value: { offset: 7n } } });
  const stream = { consumed: () => {}, reset: () => {}, end: () => {} } as unknown as Stream;
  const request = new RequestStream(stream, new AbortController().signal);
  stream.onData?.(answer.subarray(0, 3));
  stream.onData?.(answer.subarray(3));
  expect(await request.answer()).toMatchObject({ answer: { case: 'ready', value: { offset: 7n } } });
  request.close();
});

describe('a download', () => {
  function target() {
    const parts: Uint8Array[] = [];
    const saved: SaveTarget = {
      write: async (chunk) => void parts.push(chunk),
      finish: vi.fn<SaveTarget['finish']>(async () => {}),
      drop: vi.fn<SaveTarget['drop']>(async () => {}),
    };
    return { saved, text: () => Buffer.concat(parts) };
  }
  const place = { folder: bytesOf('/home'), path: bytesOf('/home/file'), text: 'file' };

  test('that broke off goes on from what is saved', async () => {
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
    const [first, second] = [new SftpPeer(), new SftpPeer()];
    first.content = second.content = content;
    const { saved, text } = target();
    const download = new Download(place, content.length, saved, () =>
      Promise.reject(new Error('asked anew')),
    );
    const made = deskWithPage(() => Promise.resolve(first.channel));
    met.push(made);
    first.odd = ({ type, id, body }) => {
      if (type !== 5 || Number(body.readBigUInt64BE(5)) < 96 * 1024) return undefined;
      if (id > 0) setImmediate(() => made.breakOff());
      return null;
    };
    await download.run(made.page);
    expect(download).toMatchObject({ state: 'failed', failure: 'connection-lost', goesOn: true });
    expect(saved.drop).not.toHaveBeenCalled();
    const again = deskWithPage(() => Promise.resolve(second.channel));
    met.push(again);
    await download.run(again.page);
    expect(download.state).toBe('done');
    expect(text().equals(content)).toBe(true);
    expect(saved.finish).toHaveBeenCalledOnce();
  });

  test('of a file that is another one by then is dropped, and says so', async () => {
    const { saved } = target();
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 8 ? sftpPacket(105, id, 5, 0, 900_000_000, 0o100644) : undefined);
    const download = new Download(place, 7, saved, () => Promise.resolve(saved));
    const made = deskWithPage(() => Promise.resolve(peer.channel));
    met.push(made);
    await download.run(made.page);
    expect(download).toMatchObject({ state: 'failed', failure: 'file-changed', goesOn: false });
    expect(saved.drop).toHaveBeenCalledOnce();
  });

  test('of a file that grew too large for its place asks for another place on the next try', async () => {
    const [small, large] = [target(), target()];
    const peer = new SftpPeer();
    const mebibytes = 17;
    peer.content = Buffer.alloc(mebibytes * 1024 * 1024, 7);
    const sizes: number[] = [];
    const download = new Download(place, 7, small.saved, (size) => {
      sizes.push(size);
      return Promise.resolve(large.saved);
    });
    const made = deskWithPage(() => Promise.resolve(peer.channel));
    met.push(made);
    await download.run(made.page);
    expect(download).toMatchObject({ state: 'failed', failure: 'file-changed' });
    await download.run(made.page);
    expect(download.state).toBe('done');
    expect(sizes).toEqual([peer.content.length]);
    expect(large.text().equals(peer.content)).toBe(true);
  });

  test('of a large file that grew takes it as it is now', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.alloc(18 * 1024 * 1024, 9);
    const { saved, text } = target();
    const download = new Download(place, 17 * 1024 * 1024, saved, () => Promise.resolve(saved));
    const made = deskWithPage(() => Promise.resolve(peer.channel));
    met.push(made);
    await download.run(made.page);
    expect(download.state).toBe('done');
    expect(text().length).toBe(peer.content.length);
  });

  test('that the disk refuses is dropped, and says so', async () => {
    const { saved } = target();
    saved.write = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    const made = deskWithPage(() => Promise.resolve(new SftpPeer().channel));
    met.push(made);
    const download = new Download(place, 7, saved, () => Promise.resolve(saved));
    await download.run(made.page);
    expect(download).toMatchObject({ state: 'failed', failure: 'not-saved' });
    expect(saved.drop).toHaveBeenCalledOnce();
  });
});
