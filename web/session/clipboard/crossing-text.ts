/** What guacd keeps at most; more would be cut there without a word. In bytes of UTF-8, either way. */
export const mostCrossingBytes = 256 * 1024;

/** Text on its way between the person's clipboard and a machine's, as it may cross. */
export interface CrossingText {
  readonly text: string;
  /** As it came, to be shown: what was taken out is seen in its place. */
  readonly raw: string;
  readonly bytes: number;
  readonly lines: number;
  /** Control characters that were taken out: "U+001B", and how often. */
  readonly removed: ReadonlyMap<string, number>;
}

/** C0 but for tab and line breaks, DEL, and C1: no text needs them, and terminals obey them. */
const controls = /(?![\t\n\r])\p{Cc}/gu;
const lineBreak = /\r\n|\r|\n/;

/**
 * The text without control characters, and what it is made of. [Note: texts that act] A terminal that is told of a paste
 * ends it at `ESC [ 201 ~`; without ESC those are four letters, and what follows them is still pasted and not typed. The
 * same holds the other way: what a machine put on the clipboard is pasted into somebody's own terminal next.
 */
export function crossingText(raw: string): CrossingText {
  const removed = new Map<string, number>();
  const text = raw.toWellFormed().replaceAll(controls, (sign) => {
    const name = `U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    removed.set(name, (removed.get(name) ?? 0) + 1);
    return '';
  });
  return { text, raw, removed, lines: lineCount(text), bytes: new TextEncoder().encode(text).length };
}

/** As many as a person would count: a break at the end starts none. */
export function lineCount(text: string): number {
  return text === '' ? 0 : text.replace(/(\r\n|\r|\n)$/, '').split(lineBreak).length;
}

/** Whether a terminal would run something of it at once. */
export function runsAtOnce(text: string): boolean {
  return lineBreak.test(text);
}

/** One line, which waits for the person's own Enter. */
export function joinLines(text: string): string {
  return text
    .split(lineBreak)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}

/** Line breaks as the Enter key sends them, which is what a terminal waits for. */
export function asTyped(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, '\r');
}

/** "2 × U+001B, 1 × U+0007". */
export function removedText(removed: ReadonlyMap<string, number>): string {
  return [...removed].map(([name, count]) => `${count} × ${name}`).join(', ');
}
