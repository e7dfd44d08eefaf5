import type { RecordTemplate } from '../../protocol/records/templates.ts';

interface FieldDraft {
  readonly key: number;
  type: string;
  title: string;
}

/** A record type while an administrator edits it. */
export class RecordTypeDraft {
  title = $state('');
  fields = $state<FieldDraft[]>([]);
  readonly #type: string | null;
  readonly #before: RecordTemplate | null;
  #keys = 0;

  constructor(before: RecordTemplate | null) {
    this.#before = before;
    this.#type = before?.type ?? null;
    this.title = before?.title ?? '';
    for (const { type, title } of before?.fields ?? []) this.add(type, title);
    if (before === null) this.add('text', '');
  }

  add(type = 'text', title = ''): void {
    this.fields.push({ key: this.#keys++, type, title });
  }

  remove(key: number): void {
    this.fields = this.fields.filter((field) => field.key !== key);
  }

  /** What stands in the way of saving, or null. */
  get problem(): string | null {
    const titles = this.fields.map(({ title }) => title.trim());
    if (this.title.trim() === '') return 'Give the type a name.';
    if (slugOf(this.title) === '' && this.#type === null)
      return 'The name needs a letter or digit from a to z.';
    if (titles.includes('')) return 'Give every field a name.';
    const pairs = this.fields.map(({ type, title }) => `${type} ${title.trim()}`);
    const twice = pairs.some((pair, at) => pairs.indexOf(pair) !== at);
    return twice ? 'Two fields have the same name.' : null;
  }

  /** Fields that were there before keep their label, which records name them by. */
  template(others: readonly RecordTemplate[]): RecordTemplate {
    const fields = this.fields.map(({ type, title }) => {
      const name = title.trim();
      const known = this.#before?.fields.find((field) => field.type === type && field.title === name);
      return known ?? { type, title: name, label: name };
    });
    return { type: this.#type ?? freeType(this.title, others), title: this.title.trim(), fields };
  }
}

function slugOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
    .replaceAll(/-+$/g, '');
}

function freeType(title: string, others: readonly RecordTemplate[]): string {
  const taken = new Set(others.map(({ type }) => type));
  const base = `custom:${slugOf(title)}`;
  for (let number = 1; ; number++) {
    const type = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(type)) return type;
  }
}
