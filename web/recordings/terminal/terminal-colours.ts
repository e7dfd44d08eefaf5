import type { IBufferCell } from '@xterm/headless';

/** guacd's own, so that a session looks in its recording as it did. */
const base: readonly number[] = [
  ...[0x000000, 0x993e3e, 0x3e993e, 0x99993e, 0x3e3e99, 0x993e99, 0x3e9999, 0x999999],
  ...[0x3e3e3e, 0xff6767, 0x67ff67, 0xffff67, 0x6767ff, 0xff67ff, 0x67ffff, 0xffffff],
];
const levels = [0, 95, 135, 175, 215, 255];
const usualInk = 7;
const bright = 8;
export const usualGround = base[0] ?? 0;

/** Of text on its ground, as that cell is to be seen: swapped where it is inverse, half where it is dim. */
export function coloursOf(cell: IBufferCell): { readonly ink: number; readonly ground: number } {
  const ink = inkOf(cell);
  const ground = cell.isBgRGB()
    ? cell.getBgColor()
    : cell.isBgDefault()
      ? usualGround
      : indexed(cell.getBgColor());
  const [above, below] = cell.isInverse() ? [ground, ink] : [ink, ground];
  return { ink: cell.isDim() ? halfway(above, below) : above, ground: below };
}

/** The low eight are brighter in bold. */
function inkOf(cell: IBufferCell): number {
  if (cell.isFgRGB()) return cell.getFgColor();
  const index = cell.isFgDefault() ? usualInk : cell.getFgColor();
  return indexed(cell.isBold() && index < bright ? index + bright : index);
}

/** 16 of their own, a cube of 6 × 6 × 6, and 24 greys. */
function indexed(index: number): number {
  if (index < base.length) return base[index] ?? 0;
  if (index >= 232) return (8 + (index - 232) * 10) * 0x010101;
  const place = index - 16;
  const level = (step: number) => levels[Math.floor(place / step) % 6] ?? 0;
  return (level(36) << 16) | (level(6) << 8) | level(1);
}

function halfway(one: number, other: number): number {
  const part = (shift: number) => ((((one >> shift) & 255) + ((other >> shift) & 255)) >> 1) << shift;
  return part(16) | part(8) | part(0);
}
