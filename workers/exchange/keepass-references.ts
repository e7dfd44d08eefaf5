import type { Kdbx, KdbxEntry, KdbxEntryField, KdbxGroup } from 'kdbxweb';
import { decodeBase64, encodeHex } from '../../protocol/bytes.ts';

/** `{REF:wanted@searched:text}`, as entries repeat a value of another one. */
const reference = /\{REF:([TUPANI])@([TUPANI]):([^{}]*)\}/i;
const everyReference = new RegExp(reference.source, 'gi');

const fields: Readonly<Record<string, string>> = {
  T: 'Title',
  U: 'UserName',
  P: 'Password',
  A: 'URL',
  N: 'Notes',
};

/** References within what references point at. More are a circle. */
const deepest = 8;
/** UTF-16 units that one value may become: references to references grow like powers. */
const longest = 1024 * 1024;

/** What references of a file point at. */
export class KeepassReferences {
  readonly #entries: readonly KdbxEntry[];
  /** By what is searched, then by the value there in upper case. */
  readonly #indexes = new Map<string, ReadonlyMap<string, KdbxEntry>>();

  constructor(database: Kdbx) {
    this.#entries = database.groups.flatMap(entriesIn);
  }

  /** The text with what its references point at in their place; those that point nowhere stay. */
  resolved(text: string, depth = 0): string {
    if (depth === deepest || !reference.test(text)) return text;
    let room = longest - text.length;
    const next = text.replace(everyReference, (whole, wanted: string, searched: string, asked: string) => {
      const entry = this.#index(searched.toUpperCase()).get(asked.trim().toUpperCase());
      const value = entry === undefined ? whole : valueOf(entry, wanted.toUpperCase());
      room -= value.length;
      return room < 0 ? whole : value;
    });
    return next === text ? text : this.resolved(next, depth + 1);
  }

  remainIn(text: string): boolean {
    return reference.test(text);
  }

  #index(searched: string): ReadonlyMap<string, KdbxEntry> {
    const known = this.#indexes.get(searched);
    if (known !== undefined) return known;
    // The first of those with the same value is meant.
    const pairs = this.#entries.map((entry) => [valueOf(entry, searched).toUpperCase(), entry] as const);
    const index = new Map(pairs.reverse());
    this.#indexes.set(searched, index);
    return index;
  }
}

export function textOf(field: KdbxEntryField): string {
  return typeof field === 'string' ? field : field.getText();
}

function entriesIn(group: KdbxGroup): KdbxEntry[] {
  return [...group.entries, ...group.groups.flatMap(entriesIn)];
}

function valueOf(entry: KdbxEntry, letter: string): string {
  return letter === 'I' ? idOf(entry) : textOf(entry.fields.get(fields[letter] ?? '') ?? '');
}

/** As references write it: 32 digits in upper case. */
function idOf({ uuid }: KdbxEntry): string {
  return encodeHex(decodeBase64(uuid.id)).toUpperCase();
}
