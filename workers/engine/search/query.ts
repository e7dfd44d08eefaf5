/** What a person typed, taken apart: words, and words for one place each. */
export interface Query {
  readonly words: readonly string[];
  readonly fields: readonly FieldWord[];
}

export interface FieldWord {
  readonly field: QueryField;
  readonly word: string;
}

export type QueryField = 'title' | 'user' | 'url' | 'host' | 'type' | 'tag' | 'in' | 'is';

const fields: ReadonlySet<string> = new Set(['title', 'user', 'url', 'host', 'type', 'tag', 'in', 'is']);

/** Words, and words of fields, that count; what comes after them narrows nothing. */
const most = 32;

/** `user:ada "two words" tag:work`. A field without a word yet asks for nothing. */
export function parseQuery(text: string): Query {
  const words: string[] = [];
  const fieldWords: FieldWord[] = [];
  for (const [, name = '', quoted, bare] of text
    .replaceAll('\n', ' ')
    .matchAll(/(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
    const field = name.toLowerCase();
    const word = plain(quoted ?? bare ?? '');
    if (isField(field)) fieldWords.push({ field, word });
    else if (name !== '') words.push(plain(`${name}:${word}`));
    else if (isField(word.replace(/:$/, '')) && word.endsWith(':')) continue;
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

function isField(name: string): name is QueryField {
  return fields.has(name);
}
