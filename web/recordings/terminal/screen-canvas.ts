import type { ScreenRun } from './screen-frame.ts';
import type { ChangedFrame } from './terminal-desk.ts';
import { usualGround } from './terminal-colours.ts';

const fontSize = 14;
/** Of the font's size. */
const lineHeight = 1.25;
const cursorInk = 0xb0b0b0;

/** A terminal's screen as pixels. */
export class ScreenCanvas {
  readonly element = document.createElement('canvas');
  readonly #context = this.element.getContext('2d', { alpha: false });
  readonly #family =
    getComputedStyle(document.documentElement).getPropertyValue('--font-mono') || 'monospace';
  readonly #cell: { readonly width: number; readonly height: number };
  readonly #ratio = Math.min(2, window.devicePixelRatio || 1);
  #lines: (readonly ScreenRun[])[] = [];
  #columns = 0;
  #cursorLine = -1;
  #scale = 1;

  constructor() {
    this.#useFont(false, false);
    const width = this.#context?.measureText('m'.repeat(100)).width ?? 0;
    this.#cell = { width: Math.max(1, width / 100), height: Math.round(fontSize * lineHeight) };
  }

  /** CSS pixels at scale 1; 0 before anything was drawn. */
  get size(): { readonly width: number; readonly height: number } {
    const { width, height } = this.#cell;
    return { width: Math.round(this.#columns * width), height: this.#lines.length * height };
  }

  scale(factor: number): void {
    this.#scale = factor;
    const { width, height } = this.size;
    this.element.style.width = `${width * factor}px`;
    this.element.style.height = `${height * factor}px`;
  }

  draw({ columns, rows, cursor, lines }: ChangedFrame): void {
    if (columns !== this.#columns || rows !== this.#lines.length) this.#resize(columns, rows);
    const stale = this.#cursorLine;
    for (const [y, line] of lines.entries()) {
      if (line) this.#lines[y] = line;
      if (line || y === stale || y === cursor?.y) this.#drawLine(y);
    }
    this.#cursorLine = cursor?.y ?? -1;
    if (cursor) this.#frameCell(cursor.x, cursor.y);
  }

  #resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#lines = Array.from({ length: rows }, () => []);
    this.#cursorLine = -1;
    const { width, height } = this.size;
    this.element.width = Math.ceil(width * this.#ratio);
    this.element.height = Math.ceil(height * this.#ratio);
    this.#context?.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    this.#fill(usualGround, 0, 0, width, height);
    this.scale(this.#scale);
  }

  #drawLine(y: number): void {
    const { height } = this.#cell;
    this.#fill(usualGround, 0, y * height, this.size.width, height);
    for (const run of this.#lines[y] ?? []) this.#drawRun(run, y * height);
  }

  /** Each character in its own column: fonts are not as wide as they say. */
  #drawRun(run: ScreenRun, top: number): void {
    const context = this.#context;
    if (!context) return;
    const { width, height } = this.#cell;
    const left = run.x * width;
    if (run.ground !== usualGround) this.#fill(run.ground, left, top, run.width * width, height);
    this.#useFont(run.bold, run.italic);
    context.fillStyle = cssColour(run.ink);
    const base = top + height / 2;
    if (run.text.length !== run.width) context.fillText(run.text, left, base, run.width * width);
    else
      for (let at = 0; at < run.text.length; at++)
        context.fillText(run.text.charAt(at), left + at * width, base);
    if (run.underlined) this.#fill(run.ink, left, top + height - 2, run.width * width, 1);
    if (run.struck) this.#fill(run.ink, left, base, run.width * width, 1);
  }

  #frameCell(x: number, y: number): void {
    const { width, height } = this.#cell;
    this.#fill(cursorInk, x * width, (y + 1) * height - 3, width, 3);
  }

  #fill(colour: number, x: number, y: number, width: number, height: number): void {
    if (!this.#context) return;
    this.#context.fillStyle = cssColour(colour);
    this.#context.fillRect(x, y, width, height);
  }

  #useFont(bold: boolean, italic: boolean): void {
    if (!this.#context) return;
    this.#context.font = `${italic ? 'italic ' : ''}${bold ? 'bold ' : ''}${fontSize}px ${this.#family}`;
    this.#context.textBaseline = 'middle';
  }
}

function cssColour(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}
