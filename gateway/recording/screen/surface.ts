import {
  isEmpty,
  overlap,
  PaintedArea,
  unknownPaint,
  type Area,
  type Fragment,
  type Paint,
} from './painted-area.ts';

/** Larger than any layer. */
const everywhere: Area = { left: 0, top: 0, right: 1 << 20, bottom: 1 << 20 };

/** A layer or buffer, as a page has it: layers have the size that they were given, buffers grow with what is drawn. */
export class Surface {
  width = 0;
  height = 0;
  readonly #grows: boolean;
  readonly #painted = new PaintedArea();
  #path: Area[] = [];

  constructor(grows: boolean) {
    this.#grows = grows;
  }

  get fragments(): readonly Fragment[] {
    return this.#painted.fragments;
  }

  resize(width: number, height: number): void {
    [this.width, this.height] = [width, height];
    this.#path = [];
    this.#painted.crop(this.#whole);
  }

  paint(area: Area, paint: Paint): void {
    const seen = this.#fit(area);
    if (seen) this.#painted.paint(seen, paint);
  }

  /** `over`: transparent parts leave what is there; else they replace it too. */
  copy(fragments: readonly Fragment[], area: Area, over: boolean): void {
    const seen = this.#fit(area);
    if (seen === null) return;
    if (!over) this.#painted.clear(seen);
    const parts = fragments.flatMap((fragment) => {
      const part = overlap(fragment, seen);
      return part === null ? [] : [{ ...part, paints: fragment.paints }];
    });
    this.#painted.paintAll(parts);
  }

  /** What of an area is on it. */
  within(area: Area): Area | null {
    return overlap(area, this.#whole);
  }

  cut(area: Area, byX: number, byY: number): Fragment[] {
    const part = this.within(area);
    return part === null ? [] : this.#painted.cut(part, byX, byY);
  }

  addToPath(area: Area): void {
    const seen = this.#fit(area);
    if (seen) this.#path.push(seen);
  }

  /** What the path encloses, which it begins anew. */
  takePath(): readonly Area[] {
    const path = this.#path;
    this.#path = [];
    return path;
  }

  clear(area: Area): void {
    this.#painted.clear(area);
  }

  wipe(): void {
    this.#painted.clear(everywhere);
  }

  /** Nobody knows what is on it. */
  lose(): void {
    this.#painted.paint(this.#grows ? everywhere : this.#whole, unknownPaint);
  }

  forget(images: Parameters<PaintedArea['forget']>[0]): void {
    this.#painted.forget(images);
  }

  get #whole(): Area {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  #fit(area: Area): Area | null {
    if (isEmpty(area)) return null;
    if (this.#grows) {
      this.width = Math.max(this.width, area.right);
      this.height = Math.max(this.height, area.bottom);
    }
    return this.within(area);
  }
}
