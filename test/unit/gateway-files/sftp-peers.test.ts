// SFTP servers that misbehave, against the gateway's own client, all the way to the page.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { namesAnswer, sftpPacket, SftpPeer, status, type ListedName } from '../../fakes/sftp-peer.ts';
import {
  bytesOf,
  deskWithPage,
  downloaded,
  noSignal,
  uploaded,
  type DeskWithPage,
} from '../../fixtures/file-desk.ts';

const open: DeskWithPage[] = [];
afterEach(async () => {
  for (const { desk, breakOff } of open.splice(0)) {
    breakOff();
    await desk.close(true);
  }
});

function meet(peer: SftpPeer, settings: Parameters<typeof deskWithPage>[1] = {}): DeskWithPage {
  const met = deskWithPage(() => Promise.resolve(peer.channel), settings);
  open.push(met);
  return met;
}

const list = ({ page }: DeskWithPage, path: string | null = null) =>
  page.list(path === null ? null : bytesOf(path), noSignal());
const fileNames = (count: number, from = 0): ListedName[] =>
  Array.from({ length: count }, (_, at) => ({ name: `f${from + at}`, mode: 0o100644, size: 1 }));

describe('a server that gives less at a time', () => {
  test('than was asked for: the file is whole', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)));
    peer.odd = ({ type, id, body }) => {
      if (type !== 5) return undefined;
      const from = Number(body.readBigUInt64BE(5));
      return sftpPacket(103, id, peer.content.subarray(from, from + Math.min(777, body.readUInt32BE(13))));
    };
    expect((await downloaded(meet(peer).page, '/home/file')).equals(peer.content)).toBe(true);
  });

  test('sends its packets byte by byte: they are read all the same', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => {
      if (type !== 16) return undefined;
      for (const byte of namesAnswer(id, [{ name: '/home' }])) peer.send(Buffer.from([byte]));
      return null;
    };
    expect((await list(meet(peer))).files).toHaveLength(1);
  });
});

describe('a server whose folder', () => {
  test('has no end is read up to the bound, and the page is told', async () => {
    const peer = new SftpPeer();
    let given = 0;
    peer.odd = ({ type, id }) =>
      type === 12 ? namesAnswer(id, fileNames(1_000, (given += 1_000))) : undefined;
    const folder = await list(meet(peer));
    expect(folder).toMatchObject({ truncated: true });
    expect(folder.files).toHaveLength(limits.remoteFiles.entries);
    expect(peer.count(12)).toBeLessThan(limits.remoteFiles.entries / 1_000 + 3);
  });

  test.each([
    ['a name of 5 KB', { name: 'x'.repeat(5_000), mode: 0o100644 }],
    ['a name with a slash', { name: '../../etc/passwd', mode: 0o100644 }],
    ['a name with NUL', { name: 'a\0b', mode: 0o100644 }],
    ['an empty name', { name: '', mode: 0o100644 }],
  ] as [string, ListedName][])('has %s is not shown', async (_, file) => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 12 ? namesAnswer(id, [file]) : undefined);
    await expect(list(meet(peer))).rejects.toMatchObject({ code: 'sftp-broken' });
  });

  test('comes in answers of nothing does not keep the gateway busy for ever', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 12 ? namesAnswer(id, []) : undefined);
    await expect(list(meet(peer))).rejects.toMatchObject({ code: 'sftp-broken' });
    expect(peer.count(12)).toBe(1);
  });

  test('has names that are not UTF-8: they are told apart, and one can be asked for', async () => {
    const odd = [Buffer.from([0x66, 0xff]), Buffer.from([0x66, 0xfe])];
    const peer = new SftpPeer();
    let listed = false;
    peer.odd = ({ type, id, body }) => {
      if (type === 17 && body.subarray(4).includes(0xfe)) return sftpPacket(105, id, 5, 0, 7, 0o100644);
      if (type !== 12 || listed) return undefined;
      listed = true;
      return namesAnswer(
        id,
        odd.map((name) => ({ name, mode: 0o100644, size: 7 })),
      );
    };
    peer.odd = withFileAt(peer.odd);
    const met = meet(peer);
    const { files } = await list(met);
    expect(files.slice(0, 2).map(({ name }) => Buffer.from(name))).toEqual(odd);
    const path = Buffer.concat([Buffer.from('/home/'), odd[1] ?? Buffer.alloc(0)]);
    const parts: Uint8Array[] = [];
    await met.page.download({
      ...{ path: new Uint8Array(path), offset: 0, opened: () => {}, signal: noSignal() },
      take: (bytes) => Promise.resolve(void parts.push(bytes)),
    });
    expect(Buffer.concat(parts).toString()).toBe('content');
    expect(peer.requests.some(({ type, body }) => type === 3 && body.includes(path))).toBe(true);
  });
});

/** `realpath` gives the bytes back as they came: the usual one reads them as text. */
function withFileAt(odd: SftpPeer['odd']): SftpPeer['odd'] {
  return (request) => {
    const { type, id, body } = request;
    if (type === 16 && body.includes(0xfe)) return namesAnswer(id, [{ name: body.subarray(4) }]);
    return odd(request);
  };
}

describe('a server that', () => {
  test.each([
    ['speaks another version', sftpPacket(2, 6), 'sftp-broken'],
    ['announces a packet of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 2]), 'sftp-broken'],
    ['speaks HTTP', Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), 'sftp-broken'],
    ['prints a banner', Buffer.from('Welcome to this machine, have a nice day\n'), 'sftp-broken'],
    ['says nothing', null, 'sftp-silent'],
  ])('%s is named', async (_, greeting, code) => {
    const met = meet(new SftpPeer(greeting), { silentMs: 50 });
    await expect(list(met)).rejects.toMatchObject({ code });
  });

  test('answers what nobody asked is left', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 16 ? status(id + 77, 0) : undefined);
    await expect(list(meet(peer))).rejects.toMatchObject({ code: 'sftp-broken' });
  });

  test('hangs in the middle of a file is named, and the next request has a new channel', async () => {
    const [hanging, well] = [new SftpPeer(), new SftpPeer()];
    hanging.odd = ({ type }) => (type === 5 ? null : undefined);
    const channels = [hanging.channel, well.channel];
    const met = deskWithPage(() => Promise.resolve(channels.shift() ?? well.channel), { silentMs: 50 });
    open.push(met);
    await expect(downloaded(met.page, '/home/file')).rejects.toMatchObject({ code: 'sftp-silent' });
    expect((await downloaded(met.page, '/home/file')).toString()).toBe('content');
  });

  test('hangs up ends what is under way', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type }) => {
      if (type !== 5) return undefined;
      peer.hangUp();
      return null;
    };
    await expect(downloaded(meet(peer).page, '/home/file')).rejects.toMatchObject({ code: 'sftp-broken' });
  });

  test('gives more of a file than was asked for is left', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 5 ? sftpPacket(103, id, Buffer.alloc(20_000)) : undefined);
    await expect(downloaded(meet(peer).page, '/home/file')).rejects.toMatchObject({ code: 'sftp-broken' });
  });

  test('has less of a file than it said: the page is told that it changed', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.alloc(100);
    peer.odd = ({ type, id }) => (type === 5 ? status(id, 1) : undefined);
    await expect(downloaded(meet(peer).page, '/home/file')).rejects.toMatchObject({ code: 'file-changed' });
  });

  test('calls a pipe a file’s name: it is not opened', async () => {
    const peer = new SftpPeer();
    peer.odd = ({ type, id }) => (type === 17 ? sftpPacket(105, id, 5, 0, 0, 0o010644) : undefined);
    await expect(downloaded(meet(peer).page, '/home/file')).rejects.toMatchObject({ code: 'not-a-file' });
    expect(peer.count(3)).toBe(0);
  });
});

describe('an upload', () => {
  const content = new Uint8Array(randomBytes(300_000));

  test('is written under a name of its own, and then has its name', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.alloc(0);
    const { page } = meet(peer);
    await uploaded(page, { path: '/home/new', content });
    expect(peer.content.equals(content)).toBe(true);
    const named = (type: number, name: string) =>
      peer.requests.some((request) => request.type === type && request.body.includes(name));
    expect(named(3, '/home/new')).toBe(false);
    expect(named(3, '/home/.sallyport-')).toBe(true);
    expect(named(18, '/home/new')).toBe(true);
  });

  test('that cannot take the place of what was there leaves it as it was', async () => {
    const peer = new SftpPeer();
    let renames = 0;
    peer.odd = ({ type, id }) => (type === 18 ? status(id, ++renames === 2 ? 4 : 0) : undefined);
    const replacing = uploaded(meet(peer).page, { path: '/home/file', content, replace: true });
    await expect(replacing).rejects.toMatchObject({ code: 'refused' });
    const renamed = peer.requests
      .filter(({ type }) => type === 18)
      .map(({ body }) => body.toString('latin1'));
    expect(renamed).toHaveLength(3);
    expect(renamed[2]).toMatch(/\.part\.former.*\/home\/file$/s);
    const removed = peer.requests
      .filter(({ type }) => type === 13)
      .map(({ body }) => body.toString('latin1'));
    expect(removed).toEqual([expect.stringMatching(/\.part$/)]);
  });

  test('onto a full disk is named, and nothing of it stays', async () => {
    const greeting = Buffer.concat([sftpPacket(2, 3, Buffer.from('statvfs@openssh.com'), Buffer.from('2'))]);
    const peer = new SftpPeer(greeting);
    peer.odd = ({ type, id }) => {
      if (type === 6) return status(id, 4);
      if (type !== 200) return undefined;
      const figures = Buffer.alloc(11 * 8);
      figures.writeBigUInt64BE(4096n, 8); // a block; of which none is left
      const body = Buffer.concat([Buffer.from([201]), Buffer.alloc(4), figures]);
      body.writeUInt32BE(id, 1);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length);
      return Buffer.concat([length, body]);
    };
    await expect(uploaded(meet(peer).page, { path: '/home/new', content })).rejects.toMatchObject({
      code: 'no-space',
    });
    expect(peer.requests.some(({ type, body }) => type === 13 && body.includes('.sallyport-'))).toBe(true);
    expect(peer.count(18)).toBe(0);
  });

  test('that the server takes no more of holds back the page: what waits is bounded', async () => {
    const peer = new SftpPeer();
    peer.content = Buffer.alloc(0);
    peer.odd = ({ type }) => (type === 6 ? null : undefined);
    const { page, breakOff } = meet(peer);
    let sent = 0;
    const large = new Uint8Array(16 * 1024 * 1024);
    const ended = uploaded(page, { path: '/home/new', content: large, progress: (done) => (sent = done) });
    await expect.poll(() => peer.count(6)).toBe(Math.floor(limits.initialCredit / (32 * 1024)));
    breakOff();
    await expect(ended).rejects.toMatchObject({ code: 'connection-lost' });
    expect(sent).toBeLessThan(3 * 1024 * 1024);
    expect(peer.count(6)).toBeLessThanOrEqual(32);
  });
});

describe('more requests at once than a session may have', () => {
  test('are refused, and there is room again when some are done', async () => {
    const peer = new SftpPeer();
    const held: number[] = [];
    let hold = true;
    peer.odd = ({ type, id }) => {
      if (type !== 16 || !hold) return undefined;
      held.push(id);
      return null;
    };
    const met = meet(peer);
    const lists = Array.from({ length: limits.remoteFiles.streams }, () => list(met, '/home'));
    await expect(list(met, '/home')).rejects.toMatchObject({ code: 'limit-reached' });
    await expect.poll(() => held.length).toBe(limits.remoteFiles.streams);
    hold = false;
    for (const id of held) peer.send(namesAnswer(id, [{ name: '/home' }]));
    await Promise.all(lists);
    expect((await list(met, '/home')).path).toEqual(bytesOf('/home'));
  });
});
