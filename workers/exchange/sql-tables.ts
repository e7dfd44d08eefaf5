import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';

/** One row by column; null is SQL's. */
export type SqlRow = ReadonlyMap<string, string | null>;
export type SqlTables = ReadonlyMap<string, readonly SqlRow[]>;

/**
 * The rows of an SQL text dump: `INSERT INTO` with literal values, as mysqldump and pg_dump write it, and pg_dump's
 * `COPY … FROM stdin`. Where an INSERT names no columns they are those of the table's `CREATE TABLE`. Nothing is run;
 * statements of other kinds are passed over. Names are in lower case, without schema. Throws `malformed`.
 */
export function readSqlTables(text: string): SqlTables {
  return new SqlDump(text).read();
}

const statement =
  /(insert\s+into|copy|create\s+table(?:\s+if\s+not\s+exists)?)\s+((?:[`"]?\w+[`"]?\.)?[`"]?\w+[`"]?)\s*/iy;

class SqlDump {
  readonly #text: string;
  /** Whether a backslash escapes in every quoted value, as in MySQL; in PostgreSQL only in E'…'. */
  readonly #backslashes: boolean;
  readonly #columns = new Map<string, readonly string[]>();
  readonly #tables = new Map<string, SqlRow[]>();
  #at = 0;
  #rows = 0;

  constructor(text: string) {
    this.#text = text;
    this.#backslashes = !/PostgreSQL database dump/i.test(text.slice(0, 2048));
  }

  read(): SqlTables {
    while (this.#at < this.#text.length) {
      this.#skipSpace();
      const found = this.#match(statement);
      if (found === null) this.#skipStatement();
      else this.#readStatement(found[1] ?? '', nameOf(found[2] ?? ''));
    }
    return this.#tables;
  }

  #readStatement(kind: string, table: string): void {
    if (/^create/i.test(kind)) return this.#readCreate(table);
    const columns =
      this.#text[this.#at] === '('
        ? this.#list().map((column) => nameOf(column ?? ''))
        : this.#columns.get(table);
    if (/^copy/i.test(kind)) return this.#readCopy(table, columns);
    this.#skipSpace();
    if (this.#match(/(overriding\s+\w+\s+value\s+)?values\s*/iy) === null) return this.#skipStatement();
    if (columns === undefined)
      throw malformed(`the rows of ${table} name no columns, and its create table is not before them`);
    do this.#add(table, columns, this.#list());
    while (this.#match(/\s*,\s*/y) !== null);
    this.#skipStatement();
  }

  /** Column names are the first words of the lines inside the parentheses. */
  #readCreate(table: string): void {
    const start = this.#at;
    this.#skipStatement();
    const body = this.#text.slice(start, Math.min(this.#at, start + 65_536));
    const words = [...body.matchAll(/^\s*[`"]?(\w+)[`"]?\s+\w/gm)].map((match) =>
      (match[1] ?? '').toLowerCase(),
    );
    const constraints = ['primary', 'unique', 'key', 'constraint', 'foreign', 'index', 'check', 'on'];
    this.#columns.set(
      table,
      words.filter((word) => !constraints.includes(word)).slice(0, exchangeBounds.csvColumns),
    );
  }

  #readCopy(table: string, columns: readonly string[] | undefined): void {
    if (this.#match(/\s*from\s+stdin;[ \t]*\r?\n/iy) === null || columns === undefined)
      return this.#skipStatement();
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at);
      if (end < 0) throw malformed(`the rows of ${table} have no end`);
      const line = this.#text.slice(this.#at, end).replace(/\r$/, '');
      this.#at = end + 1;
      if (line === '\\.') return;
      this.#add(table, columns, line.split('\t').map(copyValue));
    }
  }

  #add(table: string, columns: readonly string[], values: readonly (string | null)[]): void {
    if (values.length !== columns.length)
      throw malformed(`a row of ${table} has ${values.length} values for ${columns.length} columns`);
    if (++this.#rows > exchangeBounds.records * 50) throw malformed('the dump has too many rows');
    if (!table.startsWith('guacamole_connection')) return;
    const rows = this.#tables.get(table) ?? [];
    rows.push(new Map(columns.map((column, at) => [column, values[at] ?? null])));
    this.#tables.set(table, rows);
  }

  /** "(a, 'b', NULL)" from where we are, as texts. */
  #list(): readonly (string | null)[] {
    if (this.#match(/\s*\(/y) === null) throw malformed(`a list is missing at character ${this.#at}`);
    const values: (string | null)[] = [];
    do {
      if (values.length >= exchangeBounds.csvColumns) throw malformed('a row has too many values');
      values.push(this.#value());
    } while (this.#match(/\s*,/y) !== null);
    if (this.#match(/\s*\)/y) === null) throw malformed(`a list has no end at character ${this.#at}`);
    return values;
  }

  #value(): string | null {
    this.#skipSpace();
    const prefixed = this.#match(/(_binary\s+|E)(?=')/iy);
    if (this.#text[this.#at] === "'") return this.#quoted(prefixed);
    const bare = this.#match(/[^\s,()';]+/y)?.[0];
    if (bare === undefined) throw malformed(`a value is missing at character ${this.#at}`);
    this.#match(/::\w+/y);
    return /^null$/i.test(bare) ? null : bare;
  }

  #quoted(prefix: RegExpMatchArray | null): string {
    const escapes = prefix !== null || this.#backslashes;
    const parts: string[] = [];
    let from = ++this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw malformed('a quoted value has no end');
      const doubled = char === "'" && this.#text[this.#at + 1] === "'";
      if (char === "'" && !doubled) break;
      if (doubled || (char === '\\' && escapes)) {
        parts.push(
          this.#text.slice(from, this.#at),
          doubled ? "'" : unescaped(this.#text[this.#at + 1] ?? ''),
        );
        this.#at += 2;
        from = this.#at;
      } else this.#at++;
    }
    parts.push(this.#text.slice(from, this.#at++));
    return parts.join('');
  }

  #match(pattern: RegExp): RegExpMatchArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #skipSpace(): void {
    this.#match(/\s+/y);
  }

  /** To behind the next semicolon that is not quoted; a comment in a line of its own is one statement. */
  #skipStatement(): void {
    if (this.#match(/(--|#)[^\n]*(\n|$)/y) !== null) return;
    while (this.#at < this.#text.length) {
      this.#at = this.#next(/[;'"`]/g);
      const char = this.#text[this.#at++];
      if (char === ';') return;
      if (char !== undefined) this.#skipQuoted(char);
    }
  }

  #skipQuoted(quote: string): void {
    const ends = new RegExp(`[${quote}\\\\]`, 'g');
    while (this.#at < this.#text.length) {
      this.#at = this.#next(ends);
      if (this.#text[this.#at] === quote) break;
      this.#at += this.#backslashes ? 2 : 1;
    }
    this.#at++;
  }

  /** Where the next of those characters is, or the end. */
  #next(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.index ?? this.#text.length;
  }
}

function nameOf(text: string): string {
  return (text.split('.').at(-1) ?? '').replace(/[`"]/g, '').toLowerCase();
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  Z: '\x1a',
};

function unescaped(char: string): string {
  return escapes[char] ?? char;
}

function copyValue(text: string): string | null {
  return text === '\\N' ? null : text.replace(/\\([^])/g, (_, char: string) => unescaped(char));
}
