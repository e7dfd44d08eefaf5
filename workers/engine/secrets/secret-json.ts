// What applications read of a record, and what they write, as JSON. protocol.md §31.6.
import { utf8 } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { isObject, parseObject, type JsonObject } from '../../../protocol/json.ts';
import { limits } from '../../../protocol/limits.ts';
import type { FieldValue, RecordContent, RecordField } from '../../../protocol/records/content.ts';
import { isShown, shownFields } from './shown-fields.ts';

/** What an application may read and write of a record. */
export type SecretContent = Pick<RecordContent, 'type' | 'title' | 'notes' | 'fields' | 'custom'>;

/** More than any record that a person fills in. */
const most = { fields: 1_000, values: 1_000, depth: 16 };

/** Of a field, beside what every field has: how the forms of other clients show it. */
const formMembers = ['required', 'privacyScreen', 'enforceGeneration', 'complexity'] as const;

/** The JSON that goes out, of which nothing is the vault's own: attachments are their UIDs. */
export function secretJsonOf(content: RecordContent): SecretContent {
  const { type, title, notes = '' } = content;
  const custom = shownFields(content, 'custom').map(asSeen);
  return {
    ...{ type, title },
    ...(notes === '' ? {} : { notes }),
    fields: shownFields(content, 'fields').map(asSeen),
    ...(custom.length === 0 ? {} : { custom }),
  };
}

/**
 * What an application wrote. Absent and null members are empty ones; fields that applications do not see are left out.
 * Throws `malformed`, or `too-large` for what no record holds.
 */
export function parseSecretJson(text: string): SecretContent {
  if (utf8(text.trimEnd()).length > limits.recordPlaintext) throw tooLarge();
  const { type, title, notes, fields, custom } = parseObject(text, 'not a record');
  const added = fieldsIn(custom, 'custom');
  const written = textOrEmpty(notes);
  return {
    type: textIn(type),
    title: textIn(title),
    ...(written === '' ? {} : { notes: written }),
    fields: fieldsIn(fields, 'fields'),
    ...(added.length === 0 ? {} : { custom: added }),
  };
}

function asSeen(field: RecordField): RecordField {
  const { type, label, value } = field;
  const seen = type === 'fileRef' ? value.flatMap(fileUidOf) : value;
  return { type, ...(label === undefined ? {} : { label }), value: seen, ...formOf(field) };
}

function fileUidOf(value: FieldValue): string[] {
  const uid = typeof value === 'object' ? value['fileUid'] : value;
  return typeof uid === 'string' ? [uid] : [];
}

function fieldsIn(value: unknown, group: 'fields' | 'custom'): RecordField[] {
  return listIn(value, most.fields)
    .map(fieldIn)
    .filter((field) => isShown(field, group));
}

function fieldIn(value: unknown): RecordField {
  if (!isObject(value)) throw malformed('a field is no object');
  const { type, label } = value;
  const values = listIn(value['value'], most.values).filter((one) => one !== null);
  return {
    type: textIn(type),
    ...(label === undefined || label === null ? {} : { label: textIn(label) }),
    value: values.map(valueIn),
    ...formOf(value),
  };
}

function formOf(field: RecordField | JsonObject): JsonObject {
  const members: JsonObject = { ...field };
  return Object.fromEntries(
    formMembers.flatMap((name) => {
      const value = members[name];
      const fits = name === 'complexity' ? isObject(value) && isFlat(value) : typeof value === 'boolean';
      return fits ? [[name, value]] : [];
    }),
  );
}

function isFlat(value: JsonObject): boolean {
  return Object.values(value).every((one) => typeof one === 'number' || typeof one === 'boolean');
}

function valueIn(value: unknown): FieldValue {
  if (typeof value === 'string') return textIn(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (!isObject(value)) throw malformed('not a value of a field');
  requireBounds(value, most.depth);
  return value;
}

function requireBounds(value: unknown, depth: number): void {
  if (typeof value === 'string') textIn(value);
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) throw malformed('a value is nested too deep');
  for (const inner of Object.values(value)) requireBounds(inner, depth - 1);
}

function listIn(value: unknown, longest: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed('not a list');
  if (value.length > longest) throw tooLarge();
  return value;
}

function textOrEmpty(value: unknown): string {
  return value === undefined || value === null ? '' : textIn(value);
}

/** Of what is stored every text is whole: half a character would not come back as it was. */
function textIn(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw malformed('not a text');
  if (value.length > limits.fieldText) throw tooLarge();
  return value;
}

function tooLarge(): ProtocolError {
  return new ProtocolError('too-large', 'more than a record holds');
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
