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

/** Frames between desk and page take one each. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('a transfer that stands still does not', async () => {
  const asked = Promise.withResolvers<void>();
  const { desk } = meet(({ type }) => {
    if (type !== readFile) return undefined;
    asked.resolve();
    return null;
  });
  const reading = downloaded(desk.page, '/home/file').catch(() => undefined);
  await asked.promise;
  await turns();
  const before = desk.uses();
  await turns();
  expect(desk.uses()).toBe(before);
  desk.breakOff();
  await reading;
});
