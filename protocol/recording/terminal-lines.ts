/** A line that a terminal showed, and when its last sign came. */
export interface TextLine {
  readonly atMs: number;
  readonly text: string;
}

/** What is kept of one recording: months of a busy terminal are cut. */
const mostCharacters = 8 * 1024 * 1024;
const mostLines = 200_000;
/** A line that is longer goes on in the next. */
const mostColumns = 4096;
/** Copied from: a machine may ask for a whole line of blanks with a few bytes, as often as it likes. */
const blankLine: readonly string[] = Array.from({ length: mostColumns }, () => ' ');

/** What a terminal shows as it is, a column each: no control, and nothing that takes two code units. */
const plainRun = /[ -~\u0080-\ud7ff\ue000-\uffff]+/y;
const plainLine = /^[ -~\u0080-\ud7ff\ue000-\uffff]*$/;

type State = 'ground' | 'escape' | 'charset' | 'control' | 'string' | 'string-escape';

/**
 * The lines that a terminal shows, from what was written to it: what was typed over or rubbed out is not in them. No
 * screen is kept, so a full-screen program leaves a line wherever it moved the cursor from.
 */
export class TerminalLines {
  #lines: TextLine[] = [];
  readonly #decoder = new TextDecoder();
  #state: State = 'ground';
  #parameters = '';
  /** The line so far, while it was only written on; null: it is in cells, with a cursor. */
  #plain: string | null = '';
  #cells: string[] = [];
  #column = 0;
  #atMs = 0;
  #characters = 0;
  #cut = false;

  get lines(): readonly TextLine[] {
    return this.#lines;
  }

  /** The lines since it was asked last. */
  take(): readonly TextLine[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** There was more than is kept. */
  get cut(): boolean {
    return this.#cut;
  }

  write(atMs: number, bytes: Uint8Array): void {
    this.#take(atMs, this.#decoder.decode(bytes, { stream: true }));
  }

  /** Keys as they would be shown. */
  type(atMs: number, bytes: Uint8Array): void {
    const keys = this.#decoder.decode(bytes, { stream: true });
    this.#take(atMs, keys.replaceAll('\r', '\r\n').replaceAll('\u007f', '\b \b'));
  }

  /** A place where something was left out. */
  leaveOut(atMs: number): void {
    this.#take(atMs, '[left out]');
  }

  /** The line that the cursor is in is taken as it is. */
  end(): void {
    this.#commit();
  }

  #take(atMs: number, text: string): void {
    if (this.#cut) return; // nothing of it would be kept
    for (let at = this.#takeLines(text, atMs); at < text.length;) {
      const before = at;
      if (this.#state === 'ground' && this.#plain !== null) at = this.#writeOn(text, at, atMs);
      if (at > before) continue;
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      at += character.length;
      this.#step(character, atMs);
    }
  }

  /** Lines that are here from their beginning to their end and say nothing else: in a flood nearly all. How far that went. */
  #takeLines(text: string, atMs: number): number {
    if (this.#state !== 'ground' || this.#plain === null) return 0;
    for (let at = this.#plain === '' ? 0 : this.#writeOn(text, 0, atMs); ;) {
      const end = this.#plain === '' ? text.indexOf('\n', at) : -1;
      if (end < 0 || end - at > mostColumns || this.#cut) return at;
      const line = text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end);
      if (!plainLine.test(line)) return at;
      if (line !== '') this.#atMs = atMs;
      this.#keep(line, line.length);
      at = end + 1;
    }
  }

  /** Most lines are written from left to right and ended: they need no cells. How far that went. */
  #writeOn(text: string, from: number, atMs: number): number {
    plainRun.lastIndex = from;
    const run = plainRun.exec(text)?.[0] ?? '';
    let at = from + run.length;
    if (run !== '') this.#append(run, atMs);
    if (text.startsWith('\r\n', at)) at += 1; // the cursor goes to the line's beginning, and leaves it
    if (text[at] !== '\n') return at;
    this.#commit();
    return at + 1;
  }

  #append(run: string, atMs: number): void {
    let left = run;
    while (left !== '') {
      const line = this.#plain ?? '';
      if (line.length >= mostColumns) {
        this.#commit();
        continue;
      }
      const part = left.slice(0, mostColumns - line.length);
      this.#plain = line + part;
      this.#atMs = atMs;
      left = left.slice(part.length);
    }
  }

  /** Something else than writing on comes: from here on the line is cells. */
  #spread(): void {
    if (this.#plain === null) return;
    this.#cells = this.#plain.split('');
    this.#column = this.#plain.length;
    this.#plain = null;
  }

  #step(character: string, atMs: number): void {
    switch (this.#state) {
      case 'ground':
        return this.#show(character, atMs);
      case 'escape':
        return this.#escape(character);
      case 'control':
        return this.#control(character);
      case 'charset':
        this.#state = 'ground';
        return;
      case 'string':
        if (character === '\u0007') this.#state = 'ground';
        else if (character === '\u001b') this.#state = 'string-escape';
        return;
      case 'string-escape':
        this.#state = character === '\\' ? 'ground' : 'string';
    }
  }

  #show(character: string, atMs: number): void {
    if (character === '\u001b') this.#state = 'escape';
    else if (character === '\n') this.#commit();
    else if (character === '\r') this.#moveTo(0);
    else if (character === '\b') this.#move(-1);
    else if (character === '\t') this.#tabulate();
    else if (character >= ' ' && character !== '\u007f') this.#put(character, atMs);
  }

  #put(character: string, atMs: number): void {
    this.#spread();
    if (this.#column >= mostColumns) {
      this.#commit();
      this.#spread();
    }
    const { length } = this.#cells;
    if (length < this.#column) this.#cells = this.#cells.concat(blankLine.slice(0, this.#column - length));
    this.#cells[this.#column++] = character;
    this.#atMs = atMs;
  }

  #escape(character: string): void {
    this.#parameters = '';
    if (character === '[') this.#state = 'control';
    else if (']PX^_'.includes(character)) this.#state = 'string';
    else if ('()*+-./#%'.includes(character)) this.#state = 'charset';
    else this.#state = 'ground';
  }

  #control(character: string): void {
    if (character < '@' && this.#parameters.length < 32) {
      this.#parameters += character;
      return;
    }
    if (character < '@') return;
    this.#state = 'ground';
    const first = Math.min(mostColumns, Number.parseInt(this.#parameters, 10) || 0);
    this.#obey(character, first);
  }

  /** Of what moves and erases, as much as decides what a line says. */
  #obey(command: string, first: number): void {
    if (command === 'C') this.#move(first || 1);
    else if (command === 'D') this.#move(-(first || 1));
    else if (command === 'G') this.#moveTo(Math.max(0, first - 1));
    else if (command === 'P') this.#remove(first || 1);
    else if (command === '@') this.#insert(first || 1);
    else if (command === 'K') this.#erase(first);
    else if ('ABEFHJdf'.includes(command)) this.#leaveLine(command);
  }

  #move(by: number): void {
    this.#spread();
    this.#column = Math.min(mostColumns, Math.max(0, this.#column + by));
  }

  #moveTo(column: number): void {
    this.#spread();
    this.#column = column;
  }

  #tabulate(): void {
    this.#spread();
    this.#move(8 - (this.#column % 8));
  }

  #remove(count: number): void {
    this.#spread();
    this.#cells.splice(this.#column, count);
  }

  #insert(count: number): void {
    this.#spread();
    const [cells, at] = [this.#cells, this.#column];
    if (at >= cells.length) return;
    const after = cells.slice(at, Math.max(at, mostColumns - count));
    this.#cells = cells.slice(0, at).concat(blankLine.slice(0, Math.min(count, mostColumns - at)), after);
  }

  #erase(which: number): void {
    this.#spread();
    if (which === 0) this.#cells.length = Math.min(this.#cells.length, this.#column);
    else if (which === 1) this.#cells.fill(' ', 0, this.#column + 1);
    else this.#cells = [];
  }

  /** To another row, or the screen is cleared: what was written here stays readable. */
  #leaveLine(command: string): void {
    const [, column = ''] = this.#parameters.split(';');
    this.#commit();
    if (command === 'H' || command === 'f')
      this.#moveTo(Math.min(mostColumns, Math.max(0, (Number.parseInt(column, 10) || 1) - 1)));
  }

  #commit(): void {
    const written = this.#plain ?? this.#cells.join('');
    const length = this.#plain?.length ?? this.#cells.length;
    this.#plain = '';
    this.#cells = [];
    this.#column = 0;
    this.#keep(written, length);
  }

  /** A line of so many columns that nothing more comes to. */
  #keep(written: string, length: number): void {
    if (length === 0) return;
    const text = written.trimEnd();
    this.#characters += length; // also of blanks: lines of nothing else come to an end too
    this.#cut ||= this.#characters > mostCharacters || this.#lines.length >= mostLines;
    if (!this.#cut && text !== '') this.#lines.push({ atMs: this.#atMs, text });
  }
}
