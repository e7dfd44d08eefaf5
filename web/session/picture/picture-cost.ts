import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { smallPngPixels } from '../../../protocol/guacamole/small-png.ts';

/** Every instruction takes its time, whatever it covers: that of so many pixels. */
const each = 500;
/** A pointer is drawn, and made a picture of its own for the browser. */
const pointer = 2_000_000;
/** What is moved on a layer is copied first. */
const moved = 3;
/** Everything else of a layer is wiped with what is drawn. */
const whole = 4_000_000;
const over = '14';
/** Pixels that are read back, and that a function of its own works out one by one. */
const readBack = 4;
const computed = 40;
/** A small picture is decoded by the page itself, in about so long beside its pixels. */
const decoding = 20_000;
const put = '3';

/**
 * What a page has to do to draw this, in pixels that are filled: a billion of them takes it a second or some. What a
 * picture takes is {@link costOfPicture}.
 */
export function costOf({ opcode, args }: Instruction): number {
  const area = (at: number) => Number(args[at] ?? 0) * Number(args[at + 1] ?? 0);
  switch (opcode) {
    case 'rect':
      return each + area(3);
    case 'copy':
      return each + moved * area(3);
    case 'size':
      return each + readBack * area(1);
    case 'transfer':
      return each + area(3) * (args[5] === put ? readBack : computed);
    case 'cfill':
      return args[0] === over ? each : whole;
    case 'cursor':
      return pointer;
    default:
      return each;
  }
}

/** Of so many pixels; 0: of none. Larger ones the browser decodes aside, and the page only draws them. */
export function costOfPicture(pixels: number): number {
  return pixels === 0 || pixels > smallPngPixels ? pixels : decoding + computed * pixels;
}
