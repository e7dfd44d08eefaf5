/** Pixels; the right and lower edges are outside. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An image as guacd sent it. */
export interface PaintedImage {
  readonly width: number;
  readonly height: number;
  readonly opaque: boolean;
  readonly mimetype: string;
  /** Base64, in the pieces in which it came. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
}

/** What is on an area: a part of an image whose corner is there, one colour, or nobody knows what. */
export type Paint =
  | { readonly kind: 'image'; readonly image: PaintedImage; readonly x: number; readonly y: number }
  | { readonly kind: 'colour'; readonly rgba: readonly [number, number, number, number] }
  | { readonly kind: 'unknown' };

/** Paints one over the other, the lowest first. */
export interface Fragment extends Area {
  readonly paints: readonly Paint[];
}

export const unknownPaint: Paint = { kind: 'unknown' };

/** More of one surface is a picture that nobody looks at for long. */
const mostFragments = 2_048;
/** Things that are half transparent lie over each other seldom. */
const mostPaints = 8;

/** What one surface shows, as disjoint fragments of what was painted there; nothing is transparent. */
export class PaintedArea {
  #fragments: Fragment[] = [];

  get fragments(): readonly Fragment[] {
    return this.#fragments;
  }

  paint(area: Area, paint: Paint): void {
    if (isEmpty(area)) return;
    if (isOpaque(paint)) {
      this.clear(area);
      this.#add({ ...area, paints: [paint] });
    } else this.#paintOver(area, paint);
  }

  /** Fragments of another surface, or of this one before: what is transparent there, changes nothing here. */
  paintAll(fragments: readonly Fragment[]): void {
    const replacing = ({ paints: [lowest] }: Fragment) => lowest !== undefined && isOpaque(lowest);
    const opaque = fragments.filter(replacing);
    const whole = boxOf(opaque);
    // Scrolled, a screen of many fragments comes as it was: what was there goes at once, not once for each of them.
    const atOnce = opaque.length > 1 && opaque.reduce((sum, one) => sum + sizeOf(one), 0) === sizeOf(whole);
    if (atOnce) {
      this.clear(whole);
      this.#fragments.push(...opaque);
      this.#bound();
    }
    const rest = atOnce ? fragments.filter((one) => !replacing(one)) : fragments;
    for (const { paints, ...area } of rest) for (const paint of paints) this.paint(area, paint);
  }

  clear(area: Area): void {
    if (isEmpty(area)) return;
    const before = this.#fragments;
    this.#fragments = [];
    for (const fragment of before)
      if (overlap(fragment, area) === null) this.#fragments.push(fragment);
      else this.#fragments.push(...outside(fragment, area));
  }

  /** What is in that area, moved. */
  cut(area: Area, byX: number, byY: number): Fragment[] {
    const found: Fragment[] = [];
    for (const fragment of this.#fragments) {
      const part = overlap(fragment, area);
      if (part === null) continue;
      const paints = fragment.paints.map((paint) => moved(paint, byX, byY));
      found.push({ ...movedArea(part, byX, byY), paints });
    }
    return found;
  }

  /** Forgets what lies outside. */
  crop(area: Area): void {
    this.#fragments = this.#fragments.flatMap((fragment) => {
      const part = overlap(fragment, area);
      return part === null ? [] : [{ ...part, paints: fragment.paints }];
    });
  }

  /** What is made of such an image is not known any more. */
  forget(images: ReadonlySet<PaintedImage>): void {
    const gone = (paint: Paint) => paint.kind === 'image' && images.has(paint.image);
    this.#fragments = this.#fragments.map((fragment) =>
      fragment.paints.some(gone) ? { ...fragment, paints: [unknownPaint] } : fragment,
    );
  }

  #paintOver(area: Area, paint: Paint): void {
    let bare: Area[] = [area];
    const before = this.#fragments;
    this.#fragments = [];
    for (const fragment of before) {
      const part = overlap(fragment, area);
      if (part === null) {
        this.#fragments.push(fragment);
        continue;
      }
      const { paints } = fragment;
      const over = paints.length < mostPaints ? [...paints, paint] : [unknownPaint];
      this.#fragments.push(...outside(fragment, area), { ...part, paints: over });
      bare = bare.flatMap((left) => (overlap(left, part) === null ? [left] : outside(left, part)));
    }
    for (const left of bare) this.#fragments.push({ ...left, paints: [paint] });
    this.#bound();
  }

  #add(fragment: Fragment): void {
    this.#fragments.push(fragment);
    this.#bound();
  }

  #bound(): void {
    if (this.#fragments.length <= mostFragments) return;
    this.#fragments = joined(this.#fragments);
    if (this.#fragments.length <= mostFragments / 2) return;
    this.#fragments = [{ ...boxOf(this.#fragments), paints: [unknownPaint] }];
  }
}

function boxOf(areas: readonly Area[]): Area {
  return areas.reduce<Area>(
    (sum, { left, top, right, bottom }) => ({
      left: Math.min(sum.left, left),
      top: Math.min(sum.top, top),
      right: Math.max(sum.right, right),
      bottom: Math.max(sum.bottom, bottom),
    }),
    { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity },
  );
}

function sizeOf({ left, top, right, bottom }: Area): number {
  return (right - left) * (bottom - top);
}

export function isEmpty({ left, top, right, bottom }: Area): boolean {
  return right <= left || bottom <= top;
}

export function overlap(one: Area, other: Area): Area | null {
  const left = Math.max(one.left, other.left);
  const top = Math.max(one.top, other.top);
  const right = Math.min(one.right, other.right);
  const bottom = Math.min(one.bottom, other.bottom);
  return right <= left || bottom <= top ? null : { left, top, right, bottom };
}

function isOpaque(paint: Paint): boolean {
  if (paint.kind === 'image') return paint.image.opaque;
  return paint.kind === 'unknown' || paint.rgba[3] === 255;
}

/** What of a fragment is not in the area: at most four. */
function outside<Part extends Area>(part: Part, area: Area): Part[] {
  const top = Math.max(part.top, area.top);
  const bottom = Math.min(part.bottom, area.bottom);
  const around = [
    { ...part, bottom: top },
    { ...part, top: bottom },
    { ...part, top, bottom, right: area.left },
    { ...part, top, bottom, left: area.right },
  ];
  return around.filter((rest) => !isEmpty(rest));
}

function movedArea({ left, top, right, bottom }: Area, byX: number, byY: number): Area {
  return { left: left + byX, top: top + byY, right: right + byX, bottom: bottom + byY };
}

function moved(paint: Paint, byX: number, byY: number): Paint {
  return paint.kind === 'image' ? { ...paint, x: paint.x + byX, y: paint.y + byY } : paint;
}

/** Neighbours of the same paints made one, side by side and then one below the other. */
function joined(fragments: readonly Fragment[]): Fragment[] {
  const rows = joinedAlong(
    fragments,
    (a, b) => a.top - b.top || a.bottom - b.bottom || a.left - b.left,
    (a, b) => a.top === b.top && a.bottom === b.bottom && a.right === b.left,
  );
  return joinedAlong(
    rows,
    (a, b) => a.left - b.left || a.right - b.right || a.top - b.top,
    (a, b) => a.left === b.left && a.right === b.right && a.bottom === b.top,
  );
}

function joinedAlong(
  fragments: readonly Fragment[],
  order: (a: Area, b: Area) => number,
  touch: (a: Area, b: Area) => boolean,
): Fragment[] {
  const done: Fragment[] = [];
  for (const fragment of fragments.toSorted(order)) {
    const last = done.at(-1);
    if (last && touch(last, fragment) && samePaints(last.paints, fragment.paints))
      done[done.length - 1] = { ...last, right: fragment.right, bottom: fragment.bottom };
    else done.push(fragment);
  }
  return done;
}

function samePaints(one: readonly Paint[], other: readonly Paint[]): boolean {
  return one.length === other.length && one.every((paint, at) => samePaint(paint, other[at] ?? unknownPaint));
}

function samePaint(one: Paint, other: Paint): boolean {
  if (one.kind === 'image')
    return other.kind === 'image' && one.image === other.image && one.x === other.x && one.y === other.y;
  if (one.kind === 'unknown') return other.kind === 'unknown';
  return other.kind === 'colour' && one.rgba.every((part, at) => part === other.rgba[at]);
}
