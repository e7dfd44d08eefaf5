import type { ScreenFrame, ScreenRun } from './screen-frame.ts';
import { TerminalScreen, type ScreenState } from './terminal-screen.ts';

/** Entries of a recording's text, one after another. */
export interface WrittenText {
  /** Where each ends in `bytes`. */
  readonly ends: Uint32Array;
  /** 1: the terminal's new size, columns(2) ‖ rows(2); 0: what was written. */
  readonly sizes: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A frame of which only what is new is sent: null is a line as it was. */
export interface ChangedFrame extends Omit<ScreenFrame, 'lines'> {
  readonly lines: readonly (readonly ScreenRun[] | null)[];
}

/** A terminal's screen as the page asks for it. */
export class TerminalDesk {
  readonly #screen = new TerminalScreen();
  readonly #states = new Map<number, ScreenState>();
  #stateCount = 0;
  #sent: readonly string[] = [];

  write({ ends, sizes, bytes }: WrittenText): void {
    for (const [at, end] of ends.entries()) {
      const part = bytes.subarray(ends[at - 1] ?? 0, end);
      if (sizes[at] === 0) this.#screen.write(part);
      else this.#screen.resize(sizeIn(part));
    }
  }

  clear(): void {
    this.#screen.clear();
  }

  async frame(): Promise<ChangedFrame> {
    const { lines, ...frame } = await this.#screen.frame();
    const before = this.#sent;
    this.#sent = lines.map((line) => JSON.stringify(line));
    const same = before.length === lines.length;
    return { ...frame, lines: lines.map((line, y) => (same && before[y] === this.#sent[y] ? null : line)) };
  }

  /** Keeps the present state; null within a control sequence. `bytes`: roughly, in memory. */
  async remember(): Promise<{ readonly state: number; readonly bytes: number } | null> {
    const state = await this.#screen.state();
    if (state === null) return null;
    this.#states.set(++this.#stateCount, state);
    return { state: this.#stateCount, bytes: state.terminal.bytes };
  }

  /** Goes on from a state that it kept. */
  recall(state: number): void {
    const kept = this.#states.get(state);
    if (kept) this.#screen.restore(kept);
  }

  forget(state: number): void {
    this.#states.delete(state);
  }
}

function sizeIn(bytes: Uint8Array): { readonly columns: number; readonly rows: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { columns: view.getUint16(0), rows: view.getUint16(2) };
}
