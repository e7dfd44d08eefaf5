import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPicture, type PictureOptions } from '../../../gateway/guacd/picture.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { limits } from '../../../protocol/limits.ts';
import { FakeGuacd } from './fake-guacd.ts';
import { collectGarbage } from '../../fixtures/garbage.ts';

/** Whatever is reachable is still there afterwards. */
async function whatIsLeft(...watched: readonly WeakRef<object>[]): Promise<boolean[]> {
  await setImmediate();
  collectGarbage();
  return watched.map((reference) => reference.deref() !== undefined);
}

async function open(port: number, signal: AbortSignal, timing: PictureOptions['timing'] = {}) {
  const options: PictureOptions = {
    ...{ guacd: { host: '127.0.0.1', port }, signal, select: { protocol: 'vnc' } },
    display: { width: 800, height: 600, dpi: 96 },
    policy: { disableCopy: false, disablePaste: false },
    parameters: { hostname: 'here', password: 'geheim' },
    answers: { username: 'ada', password: 'geheim' },
    timing: { closeMs: 200, ...timing },
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

/** What a viewer is shown, an instruction a line. */
function eye(): { readonly shown: string[]; readonly viewer: (bytes: Uint8Array) => boolean } {
  const shown: string[] = [];
  const viewer = (bytes: Uint8Array) => {
    for (const { opcode, args } of new InstructionDecoder(limits.guacamole.fromGuacd).decode(bytes))
      shown.push([opcode, ...args].join(' '));
    return true;
  };
  return { shown, viewer };
}

const joins = (guacd: FakeGuacd) =>
  guacd.heard.filter(([opcode, what]) => opcode === 'select' && what === '$id').length;

const withoutSize = '4.rect,1.0,1.0,1.0,2.64,2.64;4.sync,1.1;';
const whole = '4.size,1.0,3.800,3.600;4.rect,1.0,1.0,1.0,2.64,2.64;4.sync,1.2;';

test('a screen whose size guacd told nobody is asked for anew, once, while somebody looks', async () => {
  const guacd = await FakeGuacd.start();
  const { picture } = await open(guacd.port, new AbortController().signal);
  const { shown, viewer } = eye();
  try {
    await picture.attach(viewer);
    guacd.raw(withoutSize);
    await guacd.until(() => joins(guacd) === 1);
    await guacd.until(() => guacd.opcodes().filter((opcode) => opcode === 'connect').length === 2);
    guacd.raw(whole);
    await expect.poll(() => shown).toContain('size 0 800 600');
    // From a guacd that has none to tell, asking again would bring none either.
    guacd.raw('4.size,1.0,1.0,1.0;4.rect,1.0,1.0,1.0,1.1,1.1;4.sync,1.3;');
    await expect.poll(() => shown).toContain('sync 3');
    expect(joins(guacd)).toBe(1);
  } finally {
    await picture.close();
    guacd.hangUp();
  }
});

test('a screen whose size guacd told nobody comes whole to the page that is late', async () => {
  const guacd = await FakeGuacd.start();
  const { picture } = await open(guacd.port, new AbortController().signal);
  const { shown, viewer } = eye();
  try {
    guacd.raw(withoutSize);
    await expect
      .poll(() => {
        guacd.say('sync', 9);
        return guacd.opcodes();
      })
      .toContain('sync'); // nobody's page is waited for any more: what was held is given up
    expect(joins(guacd)).toBe(0);
    await picture.attach(viewer);
    guacd.raw(whole);
    await expect.poll(() => shown).toContain('sync 2');
    expect(shown).toEqual(['size 0 800 600', 'rect 0 0 0 64 64', 'sync 2']);
    expect(joins(guacd)).toBe(1);
  } finally {
    await picture.close();
    guacd.hangUp();
  }
});

test('a screen that has a size, or on which nothing is drawn yet, is not asked for again', async () => {
  const guacd = await FakeGuacd.start();
  const { picture } = await open(guacd.port, new AbortController().signal);
  const { shown, viewer } = eye();
  try {
    await picture.attach(viewer);
    guacd.raw('4.sync,1.1;4.rect,2.-1,1.0,1.0,2.64,2.64;4.sync,1.2;');
    guacd.raw('4.size,1.0,3.800,3.600;4.rect,1.0,1.0,1.0,2.64,2.64;4.sync,1.3;');
    await expect.poll(() => shown).toContain('sync 3');
    expect(joins(guacd)).toBe(0);
  } finally {
    await picture.close();
    await guacd.stop();
  }
});

test('a page that comes back gives up the layers that it had, before it is shown the present ones', async () => {
  const guacd = await FakeGuacd.start();
  const { picture } = await open(guacd.port, new AbortController().signal);
  const { shown, viewer } = eye();
  try {
    await picture.attach(viewer);
    guacd.raw(
      '4.size,1.0,3.800,3.600;4.size,1.1,2.64,2.64;4.rect,2.-2,1.0,1.0,2.64,2.64;4.size,1.3,1.9,1.9;',
    );
    guacd.raw('7.dispose,1.3;4.sync,1.1;');
    await expect.poll(() => shown).toContain('sync 1');
    picture.detach();
    guacd.raw('7.dispose,2.-2;4.size,1.4,2.64,2.64;4.sync,1.2;');
    await guacd.until(() => guacd.heard.some(([opcode, time]) => opcode === 'sync' && time === '2'));
    shown.length = 0;
    await picture.attach(viewer);
    guacd.raw('4.size,1.0,3.800,3.600;4.sync,1.3;');
    await expect.poll(() => shown).toContain('sync 3');
    expect(shown).toEqual(['dispose 1', 'dispose -2', 'size 0 800 600', 'sync 3']);
  } finally {
    await picture.close();
    guacd.hangUp();
  }
});

test('last words are drawn when those who came back meanwhile have seen them', async () => {
  const guacd = await FakeGuacd.start();
  const never = { quietMs: 600_000, lastWordsMs: 600_000 };
  const { picture } = await open(guacd.port, new AbortController().signal, never);
  const { shown, viewer } = eye();
  let drawn = false;
  try {
    await picture.attach(viewer);
    guacd.raw('4.size,1.0,3.800,3.600;4.rect,1.0,1.0,1.0,2.64,2.64;4.sync,1.1;');
    await expect.poll(() => shown).toContain('sync 1');
    const words = picture.lastWordsDrawn().then(() => (drawn = true));
    await picture.attach(viewer);
    guacd.raw('4.size,1.0,3.800,3.600;4.sync,1.2;');
    await guacd.until(() => guacd.opcodes().includes('disconnect')); // the connection before it is over
    expect(drawn).toBe(false);
    await picture.close();
    await words;
  } finally {
    await picture.close();
    guacd.hangUp();
  }
});
