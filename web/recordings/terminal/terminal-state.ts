import type { Terminal } from '@xterm/headless';

/**
 * All that decides what a terminal draws next, copied from one and written into another of the same size. The library has no
 * interface for it, so this reads what it keeps inside; the version is pinned, and test/unit/web/terminal-screen.test.ts sees that
 * a terminal goes on from a copy as from itself.
 */
export interface TerminalState {
  readonly columns: number;
  readonly rows: number;
  /** Roughly, in memory. */
  readonly bytes: number;
  readonly normal: BufferState;
  readonly alternate: BufferState;
  readonly onAlternate: boolean;
  readonly attributes: Cloned;
  readonly lastCharacter: number;
  readonly cursorHidden: boolean;
  readonly modes: object;
  readonly privateModes: object;
}

/** As the library's classes copy themselves. */
interface Cloned {
  clone(): Cloned;
}

interface BufferState {
  readonly lines: readonly Cloned[];
  /** The alternate screen keeps more lines than it shows when it became smaller before it was used first. */
  readonly mostLines: number;
  readonly place: BufferPlace;
  readonly savedAttributes: Cloned;
  readonly tabs: object;
}

const places = ['x', 'y', 'ybase', 'ydisp', 'scrollTop', 'scrollBottom', 'savedX', 'savedY'] as const;
type BufferPlace = Record<(typeof places)[number], number>;

interface Inside {
  readonly _core: {
    readonly buffers: {
      readonly normal: Buffer;
      readonly alt: Buffer;
      readonly active: Buffer;
      activateAltBuffer(): void;
    };
    readonly unicodeService: { wcwidth(codepoint: number): number };
    readonly coreService: { isCursorHidden: boolean; modes: object; decPrivateModes: object };
    readonly _inputHandler: {
      _curAttrData: Cloned;
      eraseInDisplay(what: { readonly params: readonly number[] }, unprotected: boolean): boolean;
      readonly _parser: { readonly currentState: number; precedingJoinState: number };
    };
  };
}

interface Buffer extends BufferPlace {
  readonly lines: {
    maxLength: number;
    readonly length: number;
    get(index: number): Cloned | undefined;
    push(line: Cloned): void;
    pop(): unknown;
  };
  savedCurAttrData: Cloned;
  tabs: object;
}

const ground = 0;
const cellBytes = 12;

/** Of now; null within a control sequence, which nobody can begin with. */
export function copyState(terminal: Terminal): TerminalState | null {
  const { buffers, coreService, _inputHandler: handler } = (terminal as unknown as Inside)._core;
  if (handler._parser.currentState !== ground) return null;
  const [normal, alternate] = [copyBuffer(buffers.normal), copyBuffer(buffers.alt)];
  return {
    ...{ columns: terminal.cols, rows: terminal.rows, normal, alternate },
    bytes: (normal.lines.length + alternate.lines.length) * (terminal.cols * cellBytes + 100),
    onAlternate: buffers.active === buffers.alt,
    attributes: handler._curAttrData.clone(),
    lastCharacter: handler._parser.precedingJoinState,
    cursorHidden: coreService.isCursorHidden,
    modes: { ...coreService.modes },
    privateModes: { ...coreService.decPrivateModes },
  };
}

/** Into a terminal of that size on which nothing was written. */
export function writeState(terminal: Terminal, state: TerminalState): void {
  const { buffers, coreService, _inputHandler: handler } = (terminal as unknown as Inside)._core;
  if (state.onAlternate) buffers.activateAltBuffer();
  writeBuffer(buffers.normal, state.normal);
  writeBuffer(buffers.alt, state.alternate);
  handler._curAttrData = state.attributes.clone();
  handler._parser.precedingJoinState = state.lastCharacter;
  coreService.isCursorHidden = state.cursorHidden;
  coreService.modes = { ...state.modes };
  coreService.decPrivateModes = { ...state.privateModes };
}

export function isCursorHidden(terminal: Terminal): boolean {
  return (terminal as unknown as Inside)._core.coreService.isCursorHidden;
}

/** Columns that the terminal gives a character; 0: it goes onto the one before. */
export function widthIn(terminal: Terminal, codepoint: number): number {
  return (terminal as unknown as Inside)._core.unicodeService.wcwidth(codepoint);
}

/**
 * Erasing up to the cursor (ED 1) fails in the library (6.0.0) where the cursor is in the last cell and no line has left the screen
 * yet: it looks for the line below, and whatever was written from there on would never be drawn. There it is erasing the whole.
 */
export function mendErasing(terminal: Terminal): void {
  for (const prefix of ['', '?'])
    terminal.parser.registerCsiHandler({ final: 'J', ...(prefix && { prefix }) }, ([what]) => {
      const { cursorX, cursorY, length } = terminal.buffer.active;
      const belowIsNothing = cursorY + 1 >= length && cursorX + 1 >= terminal.cols;
      if (what !== 1 || !belowIsNothing) return false;
      const { _inputHandler: handler } = (terminal as unknown as Inside)._core;
      return handler.eraseInDisplay({ params: [2] }, prefix === '?');
    });
}

function copyBuffer(buffer: Buffer): BufferState {
  const lines = Array.from({ length: buffer.lines.length }, (_, index) => buffer.lines.get(index)?.clone());
  return {
    lines: lines.filter((line) => line !== undefined),
    mostLines: buffer.lines.maxLength,
    place: Object.fromEntries(places.map((name) => [name, buffer[name]])) as BufferPlace,
    savedAttributes: buffer.savedCurAttrData.clone(),
    tabs: { ...buffer.tabs },
  };
}

function writeBuffer(buffer: Buffer, { lines, mostLines, place, savedAttributes, tabs }: BufferState): void {
  while (buffer.lines.length > 0) buffer.lines.pop();
  buffer.lines.maxLength = mostLines;
  for (const line of lines) buffer.lines.push(line.clone());
  Object.assign(buffer, place);
  buffer.savedCurAttrData = savedAttributes.clone();
  buffer.tabs = { ...tabs };
}
