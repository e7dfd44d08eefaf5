import { ProtocolError } from '../errors.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { FieldValue, RecordContent, RecordField } from './content.ts';
import { fieldTypeOf, isSecretField, secretMembersOf } from './field-types.ts';

/**
 * A place in a content: `group` and position of a field. With `member`: that member of the field's value number `at`
 * (0 when it is not said), or, as `outer.inner`, a member of an object in it.
 */
export interface FieldPath {
  readonly group: 'fields' | 'custom';
  readonly index: number;
  readonly at?: number;
  readonly member?: string;
}

/** A place whose value stays as the record has it. `from`: where the record has it, when the field was moved. */
export interface KeptValue extends FieldPath {
  readonly from?: FieldPath;
}

const groups = ['fields', 'custom'] as const;

/** The content without its secrets, and the places of those it has. */
export function withhold(content: RecordContent): {
  readonly content: RecordContent;
  readonly withheld: readonly FieldPath[];
} {
  const withheld = groups.flatMap((group) =>
    (content[group] ?? []).flatMap((field, index) =>
      secretPlaces(field).map((at) => ({ group, index, ...at })),
    ),
  );
  const fields = content.fields.map(withoutSecrets);
  const hidden = content.custom
    ? { ...content, fields, custom: content.custom.map(withoutSecrets) }
    : { ...content, fields };
  return { content: hidden, withheld };
}

/**
 * The content with kept values put back from the record as it is. Throws `malformed` when a kept place is not one of
 * the same type in the record, or of the same label unless `from` says that it is meant.
 */
export function putBack(
  content: RecordContent,
  kept: readonly KeptValue[],
  current: RecordContent | null,
): RecordContent {
  return kept.reduce((filled, path) => putOneBack(filled, path, current), content);
}

/** One value as text: of the member that the path names, else of the whole value. Throws `not-found`. */
export function fieldText(content: RecordContent, { group, index, at = 0, member }: FieldPath): string {
  const value = content[group]?.[index]?.value[at];
  const wanted = member === undefined ? value : memberOf(value, member);
  if (wanted === undefined) throw new ProtocolError('not-found', 'the field has no value');
  return typeof wanted === 'object' ? JSON.stringify(wanted) : String(wanted);
}

function secretPlaces(field: RecordField): readonly Pick<FieldPath, 'at' | 'member'>[] {
  if (isWithheldWhole(field)) return field.value.length > 0 ? [{}] : [];
  const secret = secretMembersOf(field.type);
  return field.value.flatMap((value, at) =>
    secret.filter((member) => isFilled(memberOf(value, member))).map((member) => ({ at, member })),
  );
}

function withoutSecrets(field: RecordField): RecordField {
  if (isWithheldWhole(field)) return { ...field, value: [] };
  const secret = secretMembersOf(field.type);
  if (secret.length === 0) return field;
  return { ...field, value: field.value.map((value) => withoutMembers(value, secret)) };
}

/** A text where members are expected was written by another client: it may hold all of them. */
function isWithheldWhole(field: RecordField): boolean {
  if (isSecretField(field)) return true;
  const odd =
    fieldTypeOf(field.type)?.orUid !== true && field.value.some((value) => typeof value !== 'object');
  return odd && secretMembersOf(field.type).length > 0;
}

function withoutMembers(value: FieldValue, secret: readonly string[]): FieldValue {
  if (typeof value !== 'object') return value;
  return secret.reduce((open, member) => (isObject(open) ? withPart(open, partsOf(member)) : open), value);
}

function putOneBack(content: RecordContent, path: KeptValue, current: RecordContent | null): RecordContent {
  const list = content[path.group] ?? [];
  const field = list[path.index];
  const source = path.from ?? path;
  const held = current?.[source.group]?.[source.index];
  const same = field && held && field.type === held.type && (path.from || field.label === held.label);
  if (!same) throw misplaced();
  const value =
    path.member === undefined
      ? held.value
      : withMember(field, path, memberOf(held.value[source.at ?? 0], path.member));
  return { ...content, [path.group]: list.with(path.index, { ...field, value }) };
}

function withMember(
  field: RecordField,
  { at = 0, member = '' }: FieldPath,
  kept: unknown,
): readonly FieldValue[] {
  const value = field.value[at];
  if (!isObject(value) || kept === undefined || !secretMembersOf(field.type).includes(member))
    throw misplaced();
  return field.value.with(at, withPart(value, partsOf(member), kept));
}

/** The member that a {@link FieldPath} names, or undefined: own members alone. */
export function memberOf(value: FieldValue | undefined, member: string): unknown {
  return partsOf(member).reduce<unknown>(
    (within, name) => (isObject(within) && Object.hasOwn(within, name) ? within[name] : undefined),
    value,
  );
}

/** `outer.inner` or a plain name. */
function partsOf(member: string): readonly string[] {
  return member.split('.');
}

/** With that member, or without it when there is nothing to put. Throws `malformed` where it has no place. */
function withPart(value: JsonObject, [name = '', ...deeper]: readonly string[], kept?: unknown): JsonObject {
  const { [name]: inner, ...others } = value;
  if (deeper.length === 0) return kept === undefined ? others : { ...value, [name]: kept };
  if (isObject(inner)) return { ...value, [name]: withPart(inner, deeper, kept) };
  if (kept !== undefined) throw misplaced();
  return value;
}

function isFilled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function misplaced(): ProtocolError {
  return new ProtocolError('malformed', 'a withheld field is not the one of the record');
}
