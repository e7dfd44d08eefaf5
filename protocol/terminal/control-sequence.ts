/** No control sequence means more than 9999 by a number. */
const maxDigits = 4;
/** Bytes of parameters. The longest that programs send sets a dozen attributes. */
export const maxSequence = 256;
/** Insert and delete lines, scroll up and down: counted in rows. Erase, insert, delete and repeat characters: in columns. */
const byRows = 'LMST';
const byColumns = '@PXb';
/** Set and reset mode, identify, report, and erase selectively: what guacd tells from the same without a prefix, or may not. */
const withPrefix = 'hlcnJK';

export interface Screen {
  readonly rows: number;
  readonly columns: number;
}

/** One control sequence (ECMA-48, 5.4) on its way in: what of it guacd reads, and nothing else. */
export class ControlSequence {
  #text = '';
  #digits = 0;

  /** A parameter byte; the others in between mean nothing to guacd, which would read on behind them. */
  take(byte: number): void {
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (byte < 0x30 || byte > 0x3f) return;
    this.#digits = isDigit ? this.#digits + 1 : 0;
    if (this.#digits <= maxDigits && this.#text.length <= maxSequence)
      this.#text += String.fromCharCode(byte);
  }

  /** The sequence that does no harm on this screen; null: none that means anything. */
  end(final: number, screen: Screen): string | null {
    const [, prefix = '', given = ''] = /^([<-?]*)(.*)$/s.exec(this.#text) ?? [];
    const name = String.fromCharCode(final);
    const parameters = name === 'm' ? given.split(';').map(plainAttribute).join(';') : given;
    if (this.#text.length > maxSequence || /[^\d;]/.test(parameters)) return null;
    // guacd takes no notice of a prefix elsewhere: what restores modes would set its scroll region.
    if (prefix.length > 1 || (prefix !== '' && !withPrefix.includes(name))) return null;
    const cut = withinScreen(name, parameters, screen);
    return cut === null ? null : `\x1b[${prefix}${cut}${name}`;
  }
}

/** guacd reads `38:2::255:128:0` (ISO 8613-6) as one number. Of `4:3` it knows the underline. */
function plainAttribute(part: string): string {
  const [kind = '', space, ...rest] = part.split(':');
  if (space === undefined || (kind !== '38' && kind !== '48')) return kind;
  if (space === '5') return [kind, 5, rest[0] ?? ''].join(';');
  return space === '2' && rest.length >= 3
    ? [kind, 2, ...rest.slice(rest.length === 3 ? 0 : 1, 4)].join(';')
    : '';
}

function withinScreen(name: string, parameters: string, { rows, columns }: Screen): string | null {
  if (name === 'r') return scrollRegion(parameters, rows);
  const most = byRows.includes(name) ? rows : byColumns.includes(name) ? columns : null;
  const [count = ''] = parameters.split(';');
  if (most === null || Number(count) <= most) return parameters;
  return `${Math.max(most, 1)}${parameters.slice(count.length)}`;
}

/** DECSTBM with two lines; guacd writes wherever they say, and takes any other number of them for the whole screen. */
function scrollRegion(parameters: string, rows: number): string | null {
  const lines = parameters.split(';');
  if (lines.length !== 2) return parameters;
  const [top, bottom] = [Number(lines[0]) || 1, Math.min(Number(lines[1]) || rows, rows)];
  return top < bottom ? `${top};${bottom}` : null;
}
