/** What a person typed, taken apart: words, and words for one place each. */
export interface Query {
  readonly words: readonly string[];
  readonly fields: readonly FieldWord[];
}

export interface FieldWord {
  readonly field: QueryField;
  readonly word: string;
}

/** `text`: notes, names of attachments and fields without a place of their own. */
export type QueryField = 'title' | 'user' | 'url' | 'host' | 'text' | 'type' | 'tag' | 'in' | 'is';

/** By what people type. */
const fields: ReadonlyMap<string, QueryField> = new Map([
  ...(['title', 'user', 'url', 'host', 'text', 'type', 'tag', 'in', 'is'] as const).map(
    (name) => [name, name] as const,
  ),
  ['login', 'user'],
  ['username', 'user'],
  ['website', 'url'],
  ['note', 'text'],
  ['notes', 'text'],
  ['tags', 'tag'],
  ['folder', 'in'],
]);

/** Words, and words of fields, that count; what comes after them narrows nothing. */
const most = 32;

/** `user:ada "two words" tag:work`. A field without a word yet asks for nothing. */
export function parseQuery(text: string): Query {
  const words: string[] = [];
  const fieldWords: FieldWord[] = [];
  for (const [, name = '', quoted, bare] of text
    .replaceAll('\n', ' ')
    .matchAll(/(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
    const field = fields.get(name.toLowerCase());
    const word = plain(quoted ?? bare ?? '');
    if (field !== undefined) fieldWords.push({ field, word });
    else if (name !== '') words.push(plain(`${name}:${word}`));
    else if (word.endsWith(':') && fields.has(word.slice(0, -1))) continue;
    else words.push(word);
  }
  return {
    words: words.filter(Boolean).slice(0, most),
    fields: fieldWords.filter(({ word }) => word !== '').slice(0, most),
  };
}

/** Whether everything that a query finds is among what the wider one finds: it has each of its words, or longer ones. */
export function isNarrower({ words, fields: own }: Query, wider: Query): boolean {
  return (
    wider.words.every((word) => words.some((longer) => longer.includes(word))) &&
    wider.fields.every(({ field, word }) =>
      own.some((longer) => longer.field === field && longer.word.startsWith(word)),
    )
  );
}

/** Lower case and without accents: what is typed in a hurry finds what is written with care. */
export function plain(text: string): string {
  const lower = text.toLowerCase();
  // eslint-disable-next-line no-control-regex -- most texts are ASCII, which have nothing to take apart
  return /^[\u0000-\u007f]*$/.test(lower) ? lower : lower.normalize('NFD').replace(/\p{M}/gu, '');
}
