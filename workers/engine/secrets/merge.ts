// Three ways come together: a record as it was, as a person has it now, and as an application wrote it.
import type { RecordField } from '../../../protocol/records/content.ts';
import type { SecretContent } from './secret-json.ts';

type Group = 'fields' | 'custom';

/**
 * `now` with everything that `written` changed of `base`. What both changed is as the application has it: it wrote last, and
 * what it wrote before is in the history. A field is the same one by its type, its label, and which of those it is.
 */
export function mergeContents(
  base: SecretContent,
  now: SecretContent,
  written: SecretContent,
): SecretContent {
  const notes = mergeOne(base.notes ?? '', now.notes ?? '', written.notes ?? '');
  const custom = mergeFields(base, now, written, 'custom');
  return {
    type: mergeOne(base.type, now.type, written.type),
    title: mergeOne(base.title, now.title, written.title),
    ...(notes === '' ? {} : { notes }),
    fields: mergeFields(base, now, written, 'fields'),
    ...(custom.length === 0 ? {} : { custom }),
  };
}

function mergeOne<T>(base: T, now: T, written: T): T {
  return isSame(written, base) ? now : written;
}

/** In the order of `now`; what the application added comes last. */
function mergeFields(
  base: SecretContent,
  now: SecretContent,
  written: SecretContent,
  group: Group,
): RecordField[] {
  const [before, present, wanted] = [base, now, written].map((content) => named(content[group] ?? []));
  if (!before || !present || !wanted) return [];
  const kept = [...present].flatMap(([name, field]) => {
    const [was, is] = [before.get(name), wanted.get(name)];
    // Taken out by the application, and as it was before: it goes. Changed meanwhile, it stays.
    if (is === undefined) return was !== undefined && isSame(was, field) ? [] : [field];
    return [was !== undefined && isSame(is, was) ? field : is];
  });
  const added = [...wanted].flatMap(([name, field]) => {
    if (present.has(name)) return [];
    const was = before.get(name);
    return was !== undefined && isSame(was, field) ? [] : [field];
  });
  return [...kept, ...added];
}

function named(fields: readonly RecordField[]): Map<string, RecordField> {
  const counts = new Map<string, number>();
  return new Map(
    fields.map((field) => {
      const kind = JSON.stringify([field.type, field.label ?? null]);
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      return [`${kind} ${count}`, field];
    }),
  );
}

/** Whether both say the same, in whatever order their members come. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder);
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
