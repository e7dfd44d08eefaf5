import { Terminal } from '@xterm/headless/lib-headless/xterm-headless.mjs';
import type { IBufferCell, IBufferLine } from '@xterm/headless';
import { ControlGuard } from '../../../protocol/terminal/control-guard.ts';
import type { ScreenFrame, ScreenRun } from './screen-frame.ts';
import { MarkLimit } from './mark-limit.ts';
import { coloursOf, usualGround } from './terminal-colours.ts';
import {
  copyState,
  isCursorHidden,
  mendErasing,
  widthIn,
  writeState,
  type TerminalState,
} from './terminal-state.ts';

/** Until the recording says how large it was. */
const usual = { columns: 80, rows: 24 };
/** What no screen has more or less of, whatever somebody recorded. */
const most = { columns: 500, rows: 250 };
const least = { columns: 2, rows: 1 };
/** Lines above the screen, which come back when it grows. */
const scrollback = 100;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The terminal at a moment, to go on from. */
export interface ScreenState {
  readonly guard: ControlGuard;
  readonly terminal: TerminalState;
}

/**
 * The screen of a terminal, drawn from what was written to it: through the guard that stood before guacd's terminal in the session,
 * so that nothing is drawn here that was not drawn there, and none of it takes longer than the screen is large.
 */
export class TerminalScreen {
  #terminal = newTerminal(usual);
  #guard = new ControlGuard(usual.rows, usual.columns);
  readonly #marks = new MarkLimit((codepoint) => widthIn(this.#terminal, codepoint));

  /** Drawn by the next {@link frame}. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(this.#marks.filter(this.#guard.filter(bytes).slice()));
  }

  /** After what was written before. */
  resize({ columns, rows }: TerminalSize): void {
    const size = within({ columns, rows });
    const terminal = this.#terminal;
    this.#guard.resize(size.rows, size.columns);
    terminal.write('', () => terminal.resize(size.columns, size.rows));
  }

  /** As it was before anything was written. */
  clear(): void {
    this.#terminal.dispose();
    this.#terminal = newTerminal(usual);
    this.#guard = new ControlGuard(usual.rows, usual.columns);
  }

  /** What it shows when all that was written is drawn. */
  async frame(): Promise<ScreenFrame> {
    await this.#drawn();
    const { cols: columns, rows, buffer } = this.#terminal;
    const { active } = buffer;
    const cell = active.getNullCell();
    const lines = Array.from({ length: rows }, (_, y) =>
      runsOf(active.getLine(active.baseY + y), columns, cell),
    );
    const cursor = { x: Math.min(active.cursorX, columns - 1), y: active.cursorY };
    return { columns, rows, cursor: isCursorHidden(this.#terminal) ? null : cursor, lines };
  }

  /** Null within a control sequence. */
  async state(): Promise<ScreenState | null> {
    await this.#drawn();
    const guard = this.#guard.copy();
    const terminal = guard && copyState(this.#terminal);
    return guard && terminal && { guard, terminal };
  }

  /** Goes on from there. */
  restore({ guard, terminal }: ScreenState): void {
    this.#terminal.dispose();
    this.#terminal = newTerminal(terminal);
    writeState(this.#terminal, terminal);
    this.#guard = guard.copy() ?? guard;
  }

  #drawn(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }
}

function newTerminal({ columns: cols, rows }: TerminalSize): Terminal {
  const terminal = new Terminal({ cols, rows, scrollback, allowProposedApi: true, logLevel: 'off' });
  // Titles, colours of the palette and links are nothing that guacd shows; nothing of them is kept.
  for (let code = 0; code <= 8; code++) terminal.parser.registerOscHandler(code, () => true);
  mendErasing(terminal);
  return terminal;
}

function within({ columns, rows }: TerminalSize): TerminalSize {
  return {
    columns: Math.max(least.columns, Math.min(most.columns, columns)),
    rows: Math.max(least.rows, Math.min(most.rows, rows)),
  };
}

/** From left to right; columns on which nothing is to be seen are in none. */
function runsOf(line: IBufferLine | undefined, columns: number, cell: IBufferCell): ScreenRun[] {
  const runs: ScreenRun[] = [];
  for (let x = 0; line && x < columns; x++) {
    if (!line.getCell(x, cell) || cell.getWidth() === 0) continue; // the second half of a wide one
    const next = runOf(cell, x);
    if (next.text === ' ' && next.ground === usualGround && !next.underlined && !next.struck) continue;
    const last = runs.at(-1);
    if (last && goesOn(last, next)) runs[runs.length - 1] = joined(last, next);
    else runs.push(next);
  }
  return runs;
}

function runOf(cell: IBufferCell, x: number): ScreenRun {
  return {
    ...{ x, width: cell.getWidth(), text: cell.getChars() || ' ', ...coloursOf(cell) },
    ...{ bold: cell.isBold() !== 0, italic: cell.isItalic() !== 0 },
    ...{ underlined: cell.isUnderline() !== 0, struck: cell.isStrikethrough() !== 0 },
  };
}

const halves = /[\ud800-\udfff]/;
const isPlain = ({ text, width }: ScreenRun) => text.length === width && !halves.test(text);

function goesOn(last: ScreenRun, next: ScreenRun): boolean {
  return (
    last.x + last.width === next.x &&
    isPlain(last) &&
    isPlain(next) &&
    last.ink === next.ink &&
    last.ground === next.ground &&
    last.bold === next.bold &&
    last.italic === next.italic &&
    last.underlined === next.underlined &&
    last.struck === next.struck
  );
}

function joined(last: ScreenRun, next: ScreenRun): ScreenRun {
  return { ...last, width: last.width + next.width, text: last.text + next.text };
}
