import type { FieldValue, RecordContent, RecordField } from '../../../protocol/records/content.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { emptyValue } from '../../../protocol/records/field-values.ts';
import { memberOf } from '../../../protocol/records/withholding.ts';
import type { FieldPath, KeptValue } from '../../../workers/api.ts';

/** A secret that stays as the record has it, until something else is typed in its place. */
export interface KeptSecret {
  /** Which value and member of the field it is; neither for a field that is secret as a whole. */
  readonly at?: number;
  readonly member?: string;
  /** Where the record has it. */
  readonly from: FieldPath;
}

/** A field while it is edited. Moving it about loses no secret: each knows where it came from. */
export interface FieldDraft {
  /** Stays the same while the form is open. */
  readonly id: number;
  readonly field: RecordField;
  readonly kept: readonly KeptSecret[];
}

/** The fields of one group of a record's view, ready to be edited. */
export function draftFields(
  content: RecordContent,
  withheld: readonly FieldPath[],
  group: FieldPath['group'],
): readonly FieldDraft[] {
  return (content[group] ?? []).map((field, index) => ({
    id: index,
    field,
    kept: withheld
      .filter((path) => path.group === group && path.index === index)
      .map((from) => ({
        ...(from.at === undefined ? {} : { at: from.at }),
        ...(from.member === undefined ? {} : { member: from.member }),
        from,
      })),
  }));
}

/** For SaveRecord.withheld: what the fields of that group keep, in their order now. */
export function keptValues(drafts: readonly FieldDraft[], group: FieldPath['group']): readonly KeptValue[] {
  return drafts.flatMap(({ kept }, index) => kept.map((secret) => ({ group, index, ...secret })));
}

/** A new field for the end of a list. */
export function newDraft(drafts: readonly FieldDraft[], field: RecordField): FieldDraft {
  const id = drafts.reduce((highest, draft) => Math.max(highest, draft.id), -1) + 1;
  return { id, field, kept: [] };
}

/** How many values there are to edit: at least one, secret ones that are kept counted. */
export function valueCount({ field, kept }: FieldDraft): number {
  return Math.max(1, field.value.length, ...kept.map(({ at = 0 }) => at + 1));
}

export function valueAt({ field }: FieldDraft, at: number): FieldValue {
  return field.value[at] ?? emptyValue(field.type);
}

/** The text of a value, or of a member of it; empty when there is none or it is kept. */
export function textAt(draft: FieldDraft, at: number, member?: string): string {
  const value = valueAt(draft, at);
  const text = member === undefined ? value : typeof value === 'object' ? value[member] : undefined;
  return typeof text === 'string' || typeof text === 'number' ? String(text) : '';
}

/** The part of a value that those names lead to, with dots between them; undefined when it is not there. */
export function partAt(draft: FieldDraft, at: number, path: string): unknown {
  return memberOf(draft.field.value[at], path);
}

/** Where the record has the secret that is kept there, or null. */
export function keptAt({ kept }: FieldDraft, at: number, member?: string): FieldPath | null {
  const found = kept.find((one) => one.member === member && (member === undefined || (one.at ?? 0) === at));
  return found?.from ?? null;
}

/** The draft with that value in place of the one there; nothing in it is kept any more. */
export function withValueAt(draft: FieldDraft, at: number, value: FieldValue): FieldDraft {
  const values = [...draft.field.value];
  while (values.length < at) values.push(emptyValue(draft.field.type));
  values[at] = value;
  const only = values.length === 1 && value === '';
  const kept = draft.kept.filter((one) => one.member !== undefined && (one.at ?? 0) !== at);
  return { ...draft, field: { ...draft.field, value: only ? [] : values }, kept };
}

/** The draft with other members in the value there: what is kept of the rest of it stays. */
export function withMembersAt(draft: FieldDraft, at: number, value: FieldValue): FieldDraft {
  return { ...withValueAt(draft, at, value), kept: draft.kept };
}

/** The draft with that text as a member of a value; an empty text takes the member away. */
export function withMember(draft: FieldDraft, at: number, member: string, text: string): FieldDraft {
  const value = valueAt(draft, at);
  const { [member]: _before, ...others } = typeof value === 'object' ? value : {};
  const next = text === '' ? others : { ...others, [member]: text };
  const kept = draft.kept.filter((one) => one.member !== member || (one.at ?? 0) !== at);
  return { ...withValueAt(draft, at, next), kept };
}

/** The draft with that part of a value; an empty one goes away, and so do objects that are empty without it. */
export function withPartAt(draft: FieldDraft, at: number, path: string, part: unknown): FieldDraft {
  const value = valueAt(draft, at);
  const next = withPart(isObject(value) ? value : {}, path.split('.'), part === '' ? undefined : part);
  const kept = draft.kept.filter((one) => one.member !== path || (one.at ?? 0) !== at);
  return { ...withValueAt(draft, at, next ?? {}), kept };
}

function withPart(
  value: JsonObject,
  [name = '', ...inner]: readonly string[],
  part: unknown,
): JsonObject | undefined {
  const { [name]: before, ...others } = value;
  const next = inner.length === 0 ? part : withPart(isObject(before) ? before : {}, inner, part);
  if (next !== undefined) return { ...others, [name]: next };
  return Object.keys(others).length === 0 ? undefined : others;
}

/** The texts of a list inside of a value; none when it is not there or none. */
export function listAt(draft: FieldDraft, at: number, path: string): readonly string[] {
  return textsIn(partAt(draft, at, path));
}

/** The texts among values. */
export function textsIn(values: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(values) ? values : [];
  return list.filter((one) => typeof one === 'string' && one !== '') as string[];
}

export function withNewValue(draft: FieldDraft): FieldDraft {
  const { field } = draft;
  const values = field.value.length === 0 ? [emptyValue(field.type)] : field.value;
  return { ...draft, field: { ...field, value: [...values, emptyValue(field.type)] } };
}

/** The draft without that value; what is kept of later ones moves up with them. */
export function withoutValue(draft: FieldDraft, at: number): FieldDraft {
  const kept = draft.kept
    .filter((one) => (one.at ?? 0) !== at)
    .map((one) => (one.at !== undefined && one.at > at ? { ...one, at: one.at - 1 } : one));
  return { ...draft, field: { ...draft.field, value: draft.field.value.toSpliced(at, 1) }, kept };
}

export function withLabel(draft: FieldDraft, label: string): FieldDraft {
  const { label: _before, ...rest } = draft.field;
  return { ...draft, field: label === '' ? rest : { ...rest, label } };
}
