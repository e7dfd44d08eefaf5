import { afterEach, expect, test } from 'vitest';
import { namesAnswer, SftpPeer } from '../../fakes/sftp-peer.ts';
import {
  bytesOf,
  deskWithPage,
  downloaded,
  noSignal,
  uploaded,
  type DeskWithPage,
} from '../../fixtures/file-desk.ts';

const readFolder = 12;
const readFile = 5;
let met: DeskWithPage | null = null;

afterEach(async () => {
  met?.breakOff();
  await met?.desk.close(true);
  met = null;
});

function meet(odd: SftpPeer['odd'] = () => undefined): {
  readonly peer: SftpPeer;
  readonly desk: DeskWithPage;
} {
  const peer = new SftpPeer();
  peer.odd = odd;
  met = deskWithPage(() => Promise.resolve(peer.channel));
  return { peer, desk: met };
}

test('a folder that says "." and ".." without end is given up on', async () => {
  const dots = [{ name: '.' }, { name: '..' }];
  const { peer, desk } = meet(({ type, id }) => (type === readFolder ? namesAnswer(id, dots) : undefined));
  await expect(desk.page.list(bytesOf('/home'), noSignal())).rejects.toMatchObject({ code: 'sftp-broken' });
  expect(peer.count(readFolder)).toBeLessThan(32);
});

test('a folder that says them once is listed', async () => {
  let said = false;
  const { desk } = meet(({ type, id }) => {
    if (type !== readFolder || said) return undefined;
    said = true;
    return namesAnswer(id, [{ name: '.' }, { name: '..' }]);
  });
  const { files } = await desk.page.list(bytesOf('/home'), noSignal());
  expect(files.map(({ name }) => Buffer.from(name).toString())).toEqual(['file']);
});

test('a request counts as use, and so does each part that moves either way', async () => {
  const { peer, desk } = meet();
  peer.content = Buffer.alloc(512 * 1024, 1);
  await desk.page.list(bytesOf('/home'), noSignal());
  const listed = desk.uses();
  expect(listed).toBeGreaterThan(0);
  await downloaded(desk.page, '/home/file');
  const read = desk.uses();
  expect(read).toBeGreaterThan(listed + 3);
  await uploaded(desk.page, { path: '/home/new', content: new Uint8Array(512 * 1024) }).catch(
    () => undefined,
  );
  expect(desk.uses()).toBeGreaterThan(read + 3);
});

test('a transfer that stands still does not', async () => {
  const asked = Promise.withResolvers<void>();
  const { desk } = meet(({ type }) => {
    if (type !== readFile) return undefined;
    asked.resolve();
    return null;
  });
  /** How often a list counts: once it is there, desk and page have read all that was on its way between them before. */
  const listed = async () => {
    const before = desk.uses();
    await desk.page.list(bytesOf('/home'), noSignal());
    return desk.uses() - before;
  };
  await listed(); // the first one opens the machine's files
  const alone = await listed();
  const reading = downloaded(desk.page, '/home/file').catch(() => undefined);
  await asked.promise;
  await listed();
  expect(await listed()).toBe(alone);
  desk.breakOff();
  await reading;
});
