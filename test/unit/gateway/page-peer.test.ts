// Pages and gateways of different versions of frames: they are told apart before anything is made for the page.
import { expect, test } from 'vitest';
import { peerOfPage, type PagePeerOrder, type PagePeerParts } from '../../../gateway/sessions/page-peer.ts';
import { framesVersion } from '../../../protocol/channel/frame.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';

/** What a page that says this version is answered, by a gateway that would come to its peers. */
async function answerTo(frames: number): Promise<string> {
  let looked = false;
  const peers = { find: () => void (looked = true) };
  const parts = { peers } as unknown as PagePeerParts;
  const request = { offer: '', peerUid: uidBytes(newUid()), detourKey: new Uint8Array(0), frames };
  const code = await peerOfPage(parts, { request, accountUid: newUid() } as unknown as PagePeerOrder).then(
    () => 'taken',
    ({ code }: { code: string }) => code,
  );
  expect(looked).toBe(frames === framesVersion);
  return code;
}

test('a page that says nothing, or an older version, is told that it is outdated', async () => {
  expect(await answerTo(0)).toBe('page-outdated');
  expect(await answerTo(framesVersion - 1)).toBe('page-outdated');
});

test('a newer page is told that the gateway is', async () => {
  expect(await answerTo(framesVersion + 1)).toBe('unsupported');
});

test('one of the same version is looked for', async () => {
  expect(await answerTo(framesVersion)).toBe('peer-gone');
});
