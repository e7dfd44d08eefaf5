/** How the terminal looks, as the record or the user's settings say. */
export interface TerminalSettings {
  readonly fontSize?: number;
  /** One of guacd's four, or its own list of colours ("foreground: rgb:…; color0: …"). */
  readonly colorScheme?: string;
  /** Lines kept for scrolling back. */
  readonly scrollback?: number;
  /** What TERM is at the target. */
  readonly terminalType?: string;
  readonly locale?: string;
}

/** guacd takes about 4 KiB of memory a line (guacd.md): this is 20 MB. */
const maxScrollback = 5_000;
const defaultScrollback = 1_000;
const fontSizes = { min: 6, max: 96, default: 12 };
const namedScheme = /^(black-white|gray-black|green-black|white-black)$/;
const customScheme = /^[\w:;/,.#\s-]{1,2048}$/;

/** guacd's parameters for a terminal. What is out of bounds is brought in, what is not understood is left out. */
export function terminalParameters(settings: TerminalSettings): Readonly<Record<string, string>> {
  const { fontSize = fontSizes.default, scrollback = defaultScrollback, colorScheme = '' } = settings;
  const isScheme =
    namedScheme.test(colorScheme) || (colorScheme.includes(':') && customScheme.test(colorScheme));
  return {
    'font-size': String(clamp(fontSize, fontSizes.min, fontSizes.max)),
    scrollback: String(clamp(scrollback, 1, maxScrollback)),
    'color-scheme': isScheme ? colorScheme : '',
    'terminal-type': word(settings.terminalType) ?? 'xterm-256color',
    locale: word(settings.locale) ?? 'C.UTF-8',
  };
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(Math.round(value) || min, min), max);
}

function word(text: string | undefined): string | null {
  return text !== undefined && /^[\w.@+-]{1,64}$/.test(text) ? text : null;
}
