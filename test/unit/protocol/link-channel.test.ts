import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { tagLength } from '../../../protocol/crypto/aes-gcm.ts';
import { limits } from '../../../protocol/limits.ts';
import { acceptLink, openLink } from '../../../protocol/transmission/link-channel.ts';

async function linked() {
  const key = { id: 1, ...generateEcdhKeyPair() };
  const { opening, channel } = await openLink(key);
  return { client: channel, server: await acceptLink([key], opening) };
}

const nameOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.name,
  );

test('a frame over the bound rejects in both directions and never throws into the caller', async () => {
  const { client, server } = await linked();
  const sealing = client.seal(new Uint8Array(limits.linkFrame + 1));
  const opening = server.open(new Uint8Array(limits.linkFrame + tagLength + 1));
  expect(await Promise.all([nameOf(sealing), nameOf(opening)])).toEqual(['too-large', 'too-large']);
});

test('a frame that was refused for sealing takes no number: the ones around it open', async () => {
  const { client, server } = await linked();
  const sealed = [
    client.seal(new Uint8Array([1])),
    client.seal(new Uint8Array(limits.linkFrame + 1)),
    client.seal(new Uint8Array([2])),
  ];
  const [first, refused, second] = await Promise.allSettled(sealed);
  expect(refused?.status).toBe('rejected');
  if (first?.status !== 'fulfilled' || second?.status !== 'fulfilled') throw new Error('not sealed');
  expect([...(await server.open(first.value)), ...(await server.open(second.value))]).toEqual([1, 2]);
});

test('after a frame that does not open, no other does', async () => {
  const { client, server } = await linked();
  const good = await client.seal(new Uint8Array([1]));
  const both = [server.open(new Uint8Array(0)), server.open(good)];
  expect(await Promise.all(both.map(nameOf))).toEqual(['open-failed', 'open-failed']);
});

test('the largest frame passes', async () => {
  const { client, server } = await linked();
  const sealed = await client.seal(new Uint8Array(limits.linkFrame));
  expect(await server.open(sealed)).toHaveLength(limits.linkFrame);
});
