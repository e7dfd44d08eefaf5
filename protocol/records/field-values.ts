import { ProtocolError } from '../errors.ts';
import { isObject, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { parseUid } from '../uid.ts';
import type { FieldValue } from './content.ts';
import { fieldTypeOf, membersOf, secretMembersOf, type FieldMember, type ValueShape } from './field-types.ts';

/**
 * One value of a field of that type, from outside: the shape of its type and nothing besides. Every member may be
 * missing. Throws `malformed` for a type that is not known too, `too-large` for a text over `limits.fieldText`.
 */
export function parseFieldValue(type: string, value: unknown): FieldValue {
  const known = fieldTypeOf(type);
  if (known === null) throw malformed('the field type is not known');
  return known.orUid && typeof value === 'string' ? parseUid(value) : parseShape(known.shape, value);
}

/** What a new value of that type starts from: no text, no day, not ticked, no members. */
export function emptyValue(type: string): FieldValue {
  switch (fieldTypeOf(type)?.shape.kind) {
    case 'checkbox':
      return false;
    case 'members':
      return {};
    default:
      return '';
  }
}

/** Whether nothing was filled in. `false` is an answer, an object without any filled member is none. */
export function isEmptyValue(value: FieldValue): boolean {
  if (typeof value !== 'object') return value === '';
  return Object.values(value).every((member) => member === '' || member === undefined || member === null);
}

/** The value on one line, for lists, searches and comparisons; never any part of a secret. */
export function lineOf(type: string, value: FieldValue): string {
  const known = fieldTypeOf(type);
  if (known === null || known.secret) return '';
  if (typeof value === 'object') return membersLine(type, value);
  if (known.shape.kind === 'members') return ''; // another client's text may hold every member, secret ones too
  if (typeof value === 'number') return known.shape.kind === 'date' ? dayOf(value) : String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const option =
    known.shape.kind === 'choice' ? known.shape.options.find((one) => one.value === value) : null;
  return oneLine(option?.title ?? value);
}

/** A day as `YYYY-MM-DD`, or the empty text for what is no date. */
export function dayOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace(/T.*$/, '');
}

/** Inverse of {@link dayOf}: midnight UTC of that day. Throws `malformed`. */
export function parseDay(text: string): number {
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  // A 30 February is not moved on to March.
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || dayOf(milliseconds) !== text) throw malformed('not a day');
  return milliseconds;
}

function parseShape(shape: ValueShape, value: unknown): FieldValue {
  switch (shape.kind) {
    case 'text':
      return textIn(value);
    case 'choice':
      return choiceIn(value, shape.options);
    case 'checkbox':
      return booleanIn(value);
    case 'date':
      return dateIn(value);
    case 'members':
      return membersIn(value, shape.members);
  }
}

function membersIn(value: unknown, members: readonly FieldMember[]): FieldValue {
  if (!isObject(value)) throw malformed('the value is not an object');
  for (const [name, held] of Object.entries(value)) {
    const member = members.find((known) => known.name === name);
    if (member === undefined) throw malformed('the value has a member that is not known');
    checkMember(member, held);
  }
  return value;
}

function checkMember({ kind }: FieldMember, value: unknown): void {
  switch (kind) {
    case 'text':
      return void textIn(value);
    case 'checkbox':
      return void booleanIn(value);
    case 'number':
      if (!Number.isSafeInteger(value)) throw malformed('the value is not a whole number');
      return;
    case 'json':
      if (!isObject(value)) throw malformed('the value is not an object');
      return;
    case 'list':
      if (!Array.isArray(value)) throw malformed('the value is not a list');
      value.forEach(textIn);
  }
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw malformed('the value is not a text');
  if (value.length > limits.fieldText)
    throw new ProtocolError('too-large', 'the text is too long for a field');
  return value;
}

function choiceIn(value: unknown, options: readonly { readonly value: string }[]): string {
  const text = textIn(value);
  if (text !== '' && !options.some((option) => option.value === text))
    throw malformed('the value is not one of the choices');
  return text;
}

function booleanIn(value: unknown): boolean {
  if (typeof value !== 'boolean') throw malformed('the value is neither true nor false');
  return value;
}

/** The years 0 to 9999: what a date field can show. */
function dateIn(value: unknown): number {
  if (!Number.isSafeInteger(value) || !/^\d{4}-/.test(dayOf(Number(value)))) throw malformed('not a date');
  return Number(value);
}

const joints: Readonly<Record<string, string>> = {
  host: ':',
  pamHostname: ':',
  name: ' ',
  phone: ' ',
};

function membersLine(type: string, value: JsonObject): string {
  if (type === 'fileRef') return typeof value['name'] === 'string' ? oneLine(value['name']) : '';
  const secret = secretMembersOf(type);
  const shown = membersOf(type).filter(({ name, kind }) => kind !== 'json' && !secret.includes(name));
  const texts = shown.flatMap(({ name }) => {
    const held = value[name];
    return (typeof held === 'string' || typeof held === 'number') && held !== '' ? [String(held)] : [];
  });
  return oneLine(texts.join(joints[type] ?? ', '));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
