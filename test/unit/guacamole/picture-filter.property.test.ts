// A page ends the session for what it does not admit: whatever a gateway lets through, it must.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, encodeBase64 } from '../../../protocol/bytes.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstruction, encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { PictureFilter } from '../../../protocol/guacamole/picture-filter.ts';
import type { Remains } from '../../../protocol/guacamole/surfaces.ts';
import { limits } from '../../../protocol/limits.ts';
import { runs } from '../../fuzz-runs.ts';

type Said = readonly [string, ...(string | number)[]];

/** The first bytes of a PNG of that size. */
function header(width: number, height: number): string {
  const bytes = new Uint8Array(33);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 2], 24);
  return encodeBase64(bytes);
}

const layer = fc.integer({ min: -6, max: 6 });
const side = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }));
const place = fc.integer({ min: -50, max: 17_000 });
const stream = fc.integer({ min: 0, max: 20 });
const byte = fc.integer({ min: 0, max: 260 });
const text = fc.constantFrom(
  '',
  'AAAA',
  '!!',
  'A'.repeat(9_000),
  header(64, 64),
  header(20_000, 9),
  header(5_000, 5_000),
);

const said: fc.Arbitrary<Said> = fc.oneof(
  fc.tuple(fc.constant('size'), layer, side, side),
  fc.tuple(fc.constant('rect'), layer, place, place, side, side),
  fc.tuple(fc.constant('cfill'), byte, layer, byte, byte, byte, byte),
  fc.tuple(fc.constant('copy'), layer, place, place, side, side, fc.constant(14), layer, place, place),
  fc.tuple(fc.constant('transfer'), layer, place, place, side, side, byte, layer, place, place),
  fc.tuple(fc.constant('cursor'), byte, byte, layer, place, place, byte, byte),
  fc.tuple(fc.constant('move'), layer, layer, place, place, byte),
  fc.tuple(fc.constant('shade'), layer, byte),
  fc.tuple(fc.constant('dispose'), layer),
  fc.tuple(fc.constant('img'), stream, byte, layer, fc.constantFrom('image/png', 'image/gif'), place, place),
  fc.tuple(fc.constant('blob'), stream, text),
  fc.tuple(fc.constant('blob'), stream, fc.constant(header(90, 70))),
  fc.tuple(fc.constant('end'), stream),
  fc.tuple(fc.constant('clipboard'), stream, fc.constant('text/plain')),
  fc.tuple(fc.constant('argv'), stream, fc.constant('text/plain'), fc.constantFrom('font-size', 'other')),
  fc.tuple(fc.constantFrom('audio', 'pipe', 'file'), stream, fc.constant('x'), fc.constant('y')),
  fc.tuple(fc.constantFrom('sync', 'nop', 'name', 'mouse', 'push'), byte, byte),
);

const decoded = (bytes: string | Uint8Array) =>
  new InstructionDecoder(limits.guacamole.fromGuacd).decode(bytes);

/** What a gateway forwards of it. */
function forwarded(filter: PictureFilter, list: readonly Said[]): Uint8Array {
  return concat(...filter.filter(decoded(list.map((one) => encodeInstruction(...one)).join(''))).forward);
}

const refusedOf = (page: PictureFilter, bytes: Uint8Array) =>
  decoded(bytes).filter((instruction) => !page.admits(instruction));

test('what a gateway lets through, a page admits', () => {
  const check = (list: readonly Said[]) => {
    const bytes = forwarded(new PictureFilter({ disableCopy: false }), list);
    expect(refusedOf(new PictureFilter({ disableCopy: false }), bytes)).toEqual([]);
  };
  fc.assert(fc.property(fc.array(said, { maxLength: 400 }), check), { numRuns: runs(300) });
});

test('nor does it refuse the picture anew, once it has given up the layers of before', () => {
  const drawing = said.filter(([opcode]) => !['img', 'clipboard', 'argv', 'blob', 'end'].includes(opcode));
  const pictures = fc.array(fc.array(drawing, { maxLength: 150 }), { maxLength: 5 });
  const check = (joins: readonly (readonly Said[])[]) => {
    const page = new PictureFilter({ disableCopy: false });
    let former: Remains = { screen: [0, 0], layers: [] };
    for (const list of joins) {
      const given = former.layers.map((index) => encodeInstructionBytes('dispose', index));
      const gateway = new PictureFilter({ disableCopy: false, screen: former.screen });
      expect(refusedOf(page, concat(...given, forwarded(gateway, list)))).toEqual([]);
      former = gateway.remains;
    }
  };
  fc.assert(fc.property(pictures, check), { numRuns: runs(200) });
});

test('layers that are named before the screen has its size count with the screen of the picture before', () => {
  const before = new PictureFilter({ disableCopy: false });
  forwarded(before, [['size', 0, 2_817, 8_641]]);
  const { screen } = before.remains;
  expect(screen).toEqual([2_817, 8_641]);
  const named: readonly Said[] = [1, 2, 3].map((index) => ['shade', index, 255]);
  const filter = new PictureFilter({ disableCopy: false, screen });
  expect(forwarded(filter, named)).toEqual(
    forwarded(new PictureFilter({ disableCopy: false }), named.slice(0, 2)),
  );
});
