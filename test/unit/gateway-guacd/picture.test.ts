import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPicture, type PictureOptions } from '../../../gateway/guacd/picture.ts';
import { FakeGuacd } from './fake-guacd.ts';
import { collectGarbage } from '../../fixtures/garbage.ts';

/** Whatever is reachable is still there afterwards. */
async function whatIsLeft(...watched: readonly WeakRef<object>[]): Promise<boolean[]> {
  await setImmediate();
  collectGarbage();
  return watched.map((reference) => reference.deref() !== undefined);
}

async function open(port: number, signal: AbortSignal) {
  const options: PictureOptions = {
    ...{ guacd: { host: '127.0.0.1', port }, signal, select: { protocol: 'vnc' } },
    display: { width: 800, height: 600, dpi: 96 },
    policy: { disableCopy: false, disablePaste: false },
    parameters: { hostname: 'here', password: 'geheim' },
    answers: { username: 'ada', password: 'geheim' },
    timing: { closeMs: 200 },
    onRefused: () => undefined,
    onStalled: () => undefined,
  };
  const { parameters, answers = {}, policy } = options;
  const watched = [parameters, answers, policy].map((held) => new WeakRef(held));
  return { picture: await openPicture(options), watched };
}

test('a session that has begun keeps nothing that its login needed', async () => {
  const guacd = await FakeGuacd.start();
  const { picture, watched } = await open(guacd.port, new AbortController().signal);
  try {
    expect(await whatIsLeft(...watched)).toEqual([false, false, true]);
  } finally {
    await picture.close();
    await guacd.stop();
  }
});
