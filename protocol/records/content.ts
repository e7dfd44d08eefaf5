import { ProtocolError } from '../errors.ts';
import { isObject, parseJson } from '../json.ts';

/**
 * What is inside a record: the JSON form that secrets-manager clients read and write too, so that one content
 * serves both. `value` is always an array. Field types and their value shapes: templates.ts and pam-settings.ts.
 */
export interface RecordContent {
  readonly type: string;
  readonly title: string;
  readonly notes?: string;
  readonly fields: readonly RecordField[];
  readonly custom?: readonly RecordField[];
}

export interface RecordField {
  readonly type: string;
  readonly label?: string;
  readonly value: readonly FieldValue[];
}

/** One value of a field. Which members an object has, its field type says (field-types.ts). */
export type FieldValue = string | number | boolean | { readonly [member: string]: unknown };

/** JSON text of a content, the same bytes for the same content. */
export function encodeContent(content: RecordContent): string {
  return JSON.stringify(content);
}

/** Strict inverse of {@link encodeContent} up to members it does not know, which it keeps. Throws `malformed`. */
export function parseContent(text: string): RecordContent {
  const value = parseJson(text, 'record content is not json');
  if (!isContent(value)) throw new ProtocolError('malformed', 'not a record content');
  return value;
}

/** First value of the first field of that type (and label, when given), or null. */
export function firstValue(content: RecordContent, type: string, label?: string): FieldValue | null {
  return findField(content, type, label)?.value[0] ?? null;
}

/** First value as text, or the empty text. */
export function firstText(content: RecordContent, type: string, label?: string): string {
  const value = firstValue(content, type, label);
  return typeof value === 'string' ? value : '';
}

/** The first field of that type (and label), own fields before custom ones; null when there is none. */
export function findField(content: RecordContent, type: string, label?: string): RecordField | null {
  const fits = (field: RecordField) => field.type === type && (label === undefined || field.label === label);
  return [...content.fields, ...(content.custom ?? [])].find(fits) ?? null;
}

/** The content with the values of one own field replaced, or the field added when it was not there. */
export function withValue(
  content: RecordContent,
  type: string,
  value: readonly FieldValue[],
  label?: string,
): RecordContent {
  const fits = (field: RecordField) => field.type === type && (label === undefined || field.label === label);
  const at = content.fields.findIndex(fits);
  const field: RecordField = label === undefined ? { type, value } : { type, label, value };
  const fields =
    at < 0 ? [...content.fields, field] : content.fields.with(at, { ...content.fields[at], ...field });
  return { ...content, fields };
}

function isContent(value: unknown): value is RecordContent {
  if (!isObject(value) || typeof value['type'] !== 'string' || typeof value['title'] !== 'string')
    return false;
  const { notes, fields, custom } = value;
  return (
    (notes === undefined || typeof notes === 'string') &&
    isFields(fields) &&
    (custom === undefined || isFields(custom))
  );
}

function isFields(value: unknown): value is RecordField[] {
  return Array.isArray(value) && value.every(isField);
}

function isField(value: unknown): value is RecordField {
  if (!isObject(value) || typeof value['type'] !== 'string' || !Array.isArray(value['value'])) return false;
  const label = value['label'];
  return (label === undefined || typeof label === 'string') && value['value'].every(isFieldValue);
}

function isFieldValue(value: unknown): value is FieldValue {
  return ['string', 'number', 'boolean'].includes(typeof value) || isObject(value);
}
