// A guest's part in a picture: what is left of them when they go.
import { expect, test } from 'vitest';
import { GuestPicture, type GuestDoor } from '../../../gateway/guacd/guest-picture.ts';
import { openGuacd } from '../../../gateway/guacd/connection.ts';
import { encodeInstructionBytes as encode } from '../../../protocol/guacamole/instruction.ts';
import { agreeable, FakeGuacd } from './fake-guacd.ts';

const policy = { disableCopy: false, disablePaste: false };

async function withGuest(use: (guacd: FakeGuacd, guest: GuestPicture) => Promise<void>): Promise<void> {
  const guacd = await FakeGuacd.start(agreeable());
  const display = { width: 640, height: 480, dpi: 96 };
  const door: GuestDoor = {
    ...{ begun: Promise.resolve(), drawn: () => 0, policy },
    open: (viewer) =>
      openGuacd({
        ...{ host: '127.0.0.1', port: guacd.port, policy, display, viewer, answersSync: true },
        ...{ select: { join: '$host' }, parameters: {}, signal: new AbortController().signal },
        timing: { closeMs: 200 },
      }),
  };
  const nothing = () => {};
  const guest = new GuestPicture(door, {
    guest: { typing: true, heard: () => true },
    ...{ onInput: nothing, onRefused: nothing, onStalled: nothing },
  });
  try {
    await use(guacd, guest);
  } finally {
    await guest.close();
    await guacd.stop();
  }
}

const keysOf = ({ heard }: FakeGuacd) =>
  heard.filter(([opcode]) => opcode === 'key').map((one) => one.slice(1));

test('a guest who is out holds no key down for who goes on', async () => {
  await withGuest(async (guacd, guest) => {
    await guest.attach(() => true);
    guest.write(encode('key', 0xffe3, 1));
    await guest.close();
    await expect.poll(() => guacd.closed, { timeout: 15_000 }).toBe(true);
    expect(keysOf(guacd)).toEqual([
      ['65507', '1'],
      ['65507', '0'],
    ]);
    expect(guacd.opcodes().at(-1)).toBe('disconnect');
  });
});

test('nor does one whose page takes nothing any more', async () => {
  await withGuest(async (guacd, guest) => {
    await guest.attach(() => false);
    guest.write(encode('key', 0xffe3, 1));
    guacd.say('rect', 0, 0, 0, 1, 1);
    guacd.say('sync', 1);
    await expect.poll(() => guacd.closed, { timeout: 15_000 }).toBe(true);
    expect(keysOf(guacd).at(-1)).toEqual(['65507', '0']);
  });
});
