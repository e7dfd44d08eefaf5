import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyFrames } from '../../../gateway/recording/key-frames.ts';
import { readImageHeader } from '../../../protocol/guacamole/image-header.ts';
import { ScreenModel } from '../../../gateway/recording/screen/screen-model.ts';
import { concat } from '../../../protocol/bytes.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { PictureFilter } from '../../../protocol/guacamole/picture-filter.ts';
import { screenBuffers } from '../../../protocol/guacamole/screen-buffers.ts';
import { limits } from '../../../protocol/limits.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import { runs } from '../../fuzz-runs.ts';
import { DrawnScreen } from '../../fakes/drawn-screen.ts';
import { writePng } from '../../fakes/png.ts';

const [width, height] = [40, 30];
const sync = instruction('sync', 7);
const start = [
  ...[instruction('size', 0, width, height), instruction('size', 1, 12, 12), instruction('size', -1, 20, 20)],
  ...[instruction('size', -2, 8, 8), instruction('move', 1, 0, 3, 4, 0)],
];

/** In pieces, as guacd sends it. */
function image(layer: number, x: number, y: number, png: Buffer, mask = 14): Uint8Array[] {
  const text = png.toString('base64');
  const blobs = text.match(/.{1,400}/g)?.map((piece) => instruction('blob', 3, piece)) ?? [];
  return [instruction('img', 3, mask, layer, 'image/png', x, y), ...blobs, instruction('end', 3)];
}

function png(imageWidth: number, imageHeight: number, seed: number, holes: boolean): Buffer {
  const data = new Uint8Array(imageWidth * imageHeight * 4);
  for (let at = 0; at < data.length; at += 4) {
    const pixel = [(seed * 7 + at) & 255, (seed * 13) & 255, (at * 3) & 255];
    data.set([...pixel, holes && (at / 4 + seed) % 3 === 0 ? 0 : 255], at);
  }
  return writePng({ width: imageWidth, height: imageHeight, data });
}

const layer = fc.constantFrom(0, 0, 0, 1, -1, -2);
const place = fc.integer({ min: -3, max: 36 });
const side = fc.integer({ min: 1, max: 18 });
const step = fc.oneof(
  fc
    .tuple(layer, place, place, side, side, fc.nat(200), fc.boolean(), fc.constantFrom(14, 14, 12))
    .map(([to, x, y, w, h, seed, holes, mask]) =>
      image(to, Math.max(x, 0), Math.max(y, 0), png(w, h, seed, holes), mask),
    ),
  fc
    .tuple(layer, fc.nat(20), fc.nat(20), side, side, layer, fc.nat(30), fc.nat(25), fc.boolean())
    .map(([from, sx, sy, w, h, to, x, y, put]) => [
      put
        ? instruction('transfer', from, sx, sy, w, h, 3, to, x, y)
        : instruction('copy', from, sx, sy, w, h, 14, to, x, y),
    ]),
  fc
    .tuple(layer, fc.nat(30), fc.nat(25), side, side, fc.constantFrom(14, 14, 2, 12), fc.nat(255))
    .map(([to, x, y, w, h, mask, red]) => [
      instruction('rect', to, x, y, w, h),
      instruction('cfill', mask, to, red, 9, 9, 255),
    ]),
  fc.tuple(fc.nat(9), fc.nat(9)).map(([x, y]) => [instruction('cursor', x, y, -1, x, y, 8, 8)]),
  fc.tuple(fc.integer({ min: 20, max: 44 }), side).map(([w, h]) => [instruction('size', 0, w, h + 20)]),
  fc
    .tuple(fc.nat(20), fc.nat(255))
    .map(([x, a]) => [instruction('move', 1, 0, x, x, 1), instruction('shade', 1, a)]),
  fc.constant([instruction('dispose', -2)]),
);

function drawnBy(instructions: readonly Uint8Array[]): DrawnScreen {
  const screen = new DrawnScreen();
  screen.draw(concat(...instructions));
  return screen;
}

function modelOf(instructions: readonly Uint8Array[], mostBytes?: number): ScreenModel {
  const model = new ScreenModel(mostBytes);
  for (const one of instructions) model.take(one);
  return model;
}

describe('the screen as it is', () => {
  test('whatever was drawn before, it is drawn the same on an empty display', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = [...start, ...steps.flat(), sync];
        const again = drawnBy(modelOf(all).draw() ?? expect.unreachable());
        expect(again.strange).toEqual(new Set());
        expect(again.print).toBe(drawnBy(all).print);
      }),
      { numRuns: runs(200) },
    );
  });

  test('a player’s guard lets all of it through, after which it goes on as before', () => {
    const decode = () => new InstructionDecoder(limits.guacamole.fromGuacd);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = [...start, ...steps.flat(), sync];
        const screen = concat(...(modelOf(all).draw() ?? expect.unreachable()));
        const guard = new PictureFilter({ disableCopy: false, buffers: Object.values(screenBuffers) });
        const refused = decode()
          .decode(concat(screen, ...all))
          .filter((one) => !guard.admits(one));
        expect(refused.map(({ opcode, args }) => [opcode, ...args])).toEqual([]);
      }),
      { numRuns: runs(100) },
    );
  });

  test('and what is drawn from then on looks the same too', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(step, { maxLength: 20 }), (before, after) => {
        const all = [...start, ...before.flat(), sync];
        const again = modelOf(all).draw() ?? expect.unreachable();
        expect(drawnBy([...again, ...after.flat()]).print).toBe(drawnBy([...all, ...after.flat()]).print);
      }),
      { numRuns: runs(100) },
    );
  });

  test('a terminal that scrolls for hours takes no more than what is seen', () => {
    const model = modelOf(start);
    const sizes: number[] = [];
    for (let line = 0; line < 3_000; line++) {
      const scroll = instruction('copy', 0, 0, 5, width, height - 5, 14, 0, 0, 0);
      for (const one of [scroll, ...image(0, 0, height - 5, png(width, 5, line & 63, false)), sync])
        model.take(one);
      if (line % 1_000 === 999) sizes.push(concat(...(model.draw() ?? [])).length);
    }
    expect(Math.max(...sizes)).toBeLessThan(20_000);
  });

  test('what is not understood is unknown until something is drawn over it', () => {
    const whole = image(0, 0, 0, png(width, height, 1, false));
    const strange = image(0, 5, 5, png(4, 4, 2, false), 10);
    expect(modelOf([...start, ...whole, sync]).draw()).not.toBeNull();
    expect(modelOf([...start, ...whole, ...strange, sync]).draw()).toBeNull();
    expect(modelOf([...start, ...strange, ...whole, sync]).draw()).not.toBeNull();
    const xor = instruction('transfer', 0, 0, 0, 4, 4, 6, 0, 9, 9);
    expect(modelOf([...start, ...whole, xor, sync]).draw()).toBeNull();
    expect(
      modelOf([...start, ...whole, instruction('distort', 1, 1, 0, 0, 1, 0, 0), sync]).draw(),
    ).toBeNull();
  });

  test('not while an image is on its way, nor before the first frame', () => {
    const [open = expect.unreachable(), ...rest] = image(0, 0, 0, png(4, 4, 1, false));
    expect(modelOf(start).draw()).toBeNull();
    expect(modelOf([...start, open, sync]).draw()).toBeNull();
    expect(modelOf([...start, open, ...rest, sync]).draw()).not.toBeNull();
  });

  test('images over its bound are forgotten, and known again when they are drawn anew', () => {
    const data = Uint8Array.from(randomBytes(30 * 30 * 4), (value, at) => (at % 4 === 3 ? 255 : value));
    const large = image(0, 0, 0, writePng({ width: 30, height: 30, data }));
    const model = modelOf([...start, ...large, ...image(1, 0, 0, png(9, 9, 1, false)), sync], 3_000);
    expect(model.draw()).toBeNull();
    for (const one of [...image(0, 0, 0, png(width, height, 1, false)), sync]) model.take(one);
    expect(model.draw()).not.toBeNull();
  });

  test('of images that are begun and never end no more is kept than twice the bound', () => {
    const model = new ScreenModel(10_000);
    const held = (stream: number) => [
      instruction('img', stream, 14, 0, 'image/png', 0, 0),
      ...Array.from({ length: 100 }, () => instruction('blob', stream, '')),
    ];
    for (const one of [...start, sync, ...held(1), ...held(2), ...held(3)]) model.take(one);
    model.take(instruction('end', 1));
    for (const one of [...held(1), sync]) model.take(one);
    for (const stream of [1, 2, 3]) model.take(instruction('end', stream));
    model.take(sync);
    expect(model.draw(), 'not all is known').toBeNull();
    for (const one of [instruction('rect', 0, 0, 0, 50, 50), instruction('cfill', 12, 0, 1, 2, 3, 255), sync])
      model.take(one);
    expect(model.draw(), 'it was no more than that').not.toBeNull();
    for (const one of [1, 2, 3, 4].flatMap(held)) model.take(one);
    for (const stream of [1, 2, 3, 4]) model.take(instruction('end', stream));
    for (const one of [instruction('rect', 0, 0, 0, 50, 50), instruction('cfill', 12, 0, 1, 2, 3, 255), sync])
      model.take(one);
    expect(model.draw(), 'it was more, and was given up').toBeNull();
  });

  test('instructions of a hostile target: no crash, no end of memory', () => {
    const number = fc.oneof(
      fc.integer({ min: -2_000_000, max: 2_000_000 }).map(String),
      fc.constantFrom('', 'NaN', '1e9', '-'),
    );
    const opcode = fc.constantFrom(
      'img',
      'blob',
      'end',
      'size',
      'rect',
      'cfill',
      'copy',
      'transfer',
      'cursor',
      'dispose',
      'move',
      'arc',
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(opcode, fc.array(number, { maxLength: 10 })), { maxLength: 40 }),
        (all) => {
          const model = modelOf([...start, ...all.map(([name, args]) => instruction(name, ...args)), sync]);
          model.draw();
        },
      ),
      { numRuns: runs(100) },
    );
    const model = modelOf(start);
    for (let at = 0; at < 20_000; at++) {
      for (const one of [
        instruction('rect', 0, at % 37, at % 29, 1, 1),
        instruction('cfill', 14, 0, at & 255, 0, 0, 255),
      ])
        model.take(one);
      model.take(instruction('size', -at, 1, 1));
    }
    expect(model.draw()).toBeNull();
  });
});

describe('headers of images', () => {
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
  test.each([
    ['JPEG', 'ffd8 ffe00010 4a46494600010100000100010000 ffc00011 08 0010 0020 03', [32, 16, true]],
    ['lossy WebP', '52494646 00000000 57454250 56503820 00000000 000000 9d012a 2000 1000', [32, 16, true]],
    ['lossless WebP', '52494646 00000000 57454250 5650384c 00000000 2f 1fc00300', [32, 16, true]],
    ['lossless WebP with alpha', '52494646 00000000 57454250 5650384c 00000000 2f 1fc00310', [32, 16, false]],
    ['extended WebP', '52494646 00000000 57454250 56503858 0a000000 10000000 1f0000 0f0000', [32, 16, false]],
  ])('%s', (_, hex, [imageWidth, imageHeight, opaque]) => {
    expect(readImageHeader(bytes(hex))).toEqual({ width: imageWidth, height: imageHeight, opaque });
  });

  test('PNG with and without alpha, and what is none of them or cut', () => {
    expect(readImageHeader(png(5, 6, 1, false))).toEqual({ width: 5, height: 6, opaque: true });
    expect(readImageHeader(png(5, 6, 1, true))).toEqual({ width: 5, height: 6, opaque: false });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void readImageHeader(any)),
      { numRuns: runs(100) },
    );
    for (const whole of [png(5, 6, 1, true), bytes('ffd8ffe000104a46494600010100000100010000ffc0')])
      for (let length = 0; length < Math.min(whole.length, 40); length++)
        readImageHeader(whole.subarray(0, length));
  });
});

describe('moments of key frames', () => {
  const frame = () => [...image(0, 0, 0, png(width, height, 1, false)), sync];
  const kinds = (parts: readonly { readonly kind: string }[]) => parts.map(({ kind }) => kind);

  test('after so many bytes, where a frame ends, in the middle of what came together', () => {
    const keyFrames = new KeyFrames(0);
    expect(kinds(keyFrames.take([...start, ...frame()], 0))).toEqual(['picture']);
    const much = Array.from({ length: 2_200 }, () => instruction('name', 'x'.repeat(1_000)));
    const rest = [...image(0, 1, 1, png(3, 3, 5, false)), sync];
    const parts = keyFrames.take([...much, sync, ...rest], 10);
    expect(kinds(parts)).toEqual(['picture', 'screen', 'picture']);
    expect(drawnBy([...(parts[1]?.instructions ?? expect.unreachable()), ...rest]).print).toBe(
      drawnBy([...start, ...frame(), ...rest]).print,
    );
  });

  test('of little after a while, of nothing never, and not of what is not known', () => {
    const keyFrames = new KeyFrames(0);
    expect(kinds(keyFrames.take([...start, ...frame()], 400_000))).toEqual(['picture', 'screen']);
    expect(kinds(keyFrames.take([sync], 900_000))).toEqual(['picture']);
    const xor = instruction('transfer', 0, 0, 0, 4, 4, 6, 0, 9, 9);
    expect(kinds(keyFrames.take([...frame(), ...frame(), xor, sync], 1_400_000))).toEqual([
      'picture',
      'screen',
      'picture',
    ]);
    expect(kinds(keyFrames.take([...frame(), ...frame()], 1_900_000))).toContain('screen');
  });

  test('a picture that begins anew knows nothing of the one before', () => {
    const keyFrames = new KeyFrames(0);
    keyFrames.take([...start, ...frame()], 0);
    keyFrames.startAnew(1);
    const [, screen] = keyFrames.take([instruction('size', 0, 8, 8), sync], 400_000);
    expect(drawnBy(screen?.instructions ?? expect.unreachable()).print).toBe(
      drawnBy([instruction('size', 0, 8, 8)]).print,
    );
  });
});
