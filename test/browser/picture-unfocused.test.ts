// The display draws what waits in one go where its window has not the focus, as beside another window or on a second screen.
import * as Guacamole from '@glokon/guacamole-common-js';
import { afterEach, expect, test, vi } from 'vitest';
import { concat, encodeBase64 } from '../../protocol/bytes.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import { takeImages } from '../../web/session/drawing/image-streams.ts';
import { PictureIntake } from '../../web/session/picture/picture-intake.ts';

type Said = readonly [string, ...(string | number)[]];
const say = (...list: readonly Said[]) =>
  concat(...list.map(([opcode, ...args]) => encodeInstructionBytes(opcode, ...args)));
const side = 200;

/** Black, with a red line one pixel from its left, and too large to be decoded where it comes in. */
async function linePicture(): Promise<string> {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d');
  context?.fillRect(0, 0, side, side);
  if (context) context.fillStyle = 'red';
  context?.fillRect(1, 0, 1, side);
  return encodeBase64(new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer()));
}

function redIn(display: Guacamole.Display): number {
  const row = display.getDefaultLayer().getCanvas().getContext('2d')?.getImageData(0, 9, side, 1).data ?? [];
  return Array.from({ length: side }, (_, x) => row[4 * x]).filter((red) => red === 255).length;
}

afterEach(() => vi.restoreAllMocks());

test('what waited for a picture is drawn once, all of it and in order, and answered', async () => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(false);
  const decode = window.createImageBitmap.bind(window);
  const decoded = Promise.withResolvers<void>();
  vi.spyOn(window, 'createImageBitmap').mockImplementation(async (source: ImageBitmapSource) => {
    await decoded.promise;
    return await decode(source);
  });
  const Tunnel = Guacamole.Tunnel as unknown as new () => Guacamole.Tunnel;
  const tunnel = new Tunnel();
  const answered: number[] = [];
  tunnel.sendMessage = (opcode: string, at: number) => {
    if (opcode === 'sync') answered.push(at);
  };
  const client = new Guacamole.Client(tunnel);
  const display = client.getDisplay();
  takeImages(display);
  const failures: string[] = [];
  const intake = new PictureIntake(display, {
    instruction: (opcode, args) => tunnel.oninstruction?.(opcode, args),
    consumed: () => {},
    failed: (code) => failures.push(code),
  });

  const picture: Said[] = [
    ['img', 1, 14, 0, 'image/png', 0, 0],
    ['blob', 1, await linePicture()],
    ['end', 1],
  ];
  intake.take([say(['size', 0, side, side], ...picture, ['sync', 1])]);
  // The line becomes one pixel broader with each frame, so twice is not once.
  const frames = limits.picture.frames + 20;
  for (let n = 2; n <= frames; n++)
    intake.take([say(['copy', 0, 1, 0, side - 2, side, 14, 0, 2, 0], ['sync', n])]);
  expect(answered).toEqual([]);
  decoded.resolve();
  await expect.poll(() => [answered.at(-1), failures]).toEqual([frames, []]);
  // Of what waited for room, frames that came together are one.
  expect(answered.slice(0, limits.picture.frames)).toEqual(
    Array.from({ length: limits.picture.frames }, (_, n) => n + 1),
  );
  expect([...new Set(answered)].sort((a, b) => a - b)).toEqual(answered);
  expect(redIn(display)).toBe(frames);
  intake.close();
});
