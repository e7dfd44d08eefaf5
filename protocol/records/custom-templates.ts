import { ProtocolError } from '../errors.ts';
import { objectIn, parseJson, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { fieldTypeOf } from './field-types.ts';
import type { FieldTemplate, RecordTemplate } from './templates.ts';

const bounds = limits.customTypes;
const slug = /^custom:[a-z0-9]+(-[a-z0-9]+)*$/;

/** JSON text of record types that an administrator made, the same text for the same types. */
export function encodeTemplates(templates: readonly RecordTemplate[]): string {
  return JSON.stringify({ types: templates });
}

/**
 * Strict inverse of {@link encodeTemplates}: types named `custom:` and a slug, each name once; fields of types that a
 * person may add, each pair of type and label once; no member that is not known. Throws `malformed`, and `too-large`
 * over the bounds of `limits.customTypes`.
 */
export function parseTemplates(text: string): readonly RecordTemplate[] {
  if (text.length > bounds.text) throw tooLarge('the record types are too long');
  const value = membersIn(parseJson(text, 'the record types are not json'), ['types']);
  const templates = listIn(value['types'], bounds.types).map(parseTemplate);
  requireDistinct(templates.map(({ type }) => type));
  return templates;
}

function parseTemplate(value: unknown): RecordTemplate {
  const { type, title, fields } = membersIn(value, ['type', 'title', 'fields']);
  const name = labelIn(type);
  if (!slug.test(name)) throw malformed('a record type is named custom: and a slug');
  const parsed = listIn(fields, bounds.fields).map(parseField);
  requireDistinct(parsed.map((field) => JSON.stringify([field.type, field.label])));
  return { type: name, title: labelIn(title), fields: parsed };
}

function parseField(value: unknown): FieldTemplate {
  const { type, label, title, multiline, options } = membersIn(value, [
    'type',
    'title',
    'label',
    'multiline',
    'options',
  ]);
  const name = labelIn(type);
  const known = fieldTypeOf(name);
  if (known === null || known.internal) throw malformed('the field type is not known');
  if (multiline !== undefined && typeof multiline !== 'boolean')
    throw malformed('multiline is true or false');
  return {
    type: name,
    title: labelIn(title),
    ...(label === undefined ? {} : { label: labelIn(label) }),
    ...(multiline === undefined ? {} : { multiline }),
    ...(options === undefined ? {} : { options: listIn(options, bounds.options).map(labelIn) }),
  };
}

function membersIn(value: unknown, known: readonly string[]): JsonObject {
  const members = objectIn(value, 'not an object');
  if (!Object.keys(members).every((name) => known.includes(name))) throw malformed('a member is not known');
  return members;
}

function listIn(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed('not a list');
  if (value.length > most) throw tooLarge('the list is too long');
  return value;
}

/** One to `limits.customTypes.label` characters on one line, without space around them. */
function labelIn(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.trim() !== value) throw malformed('not a label');
  if (value.length > bounds.label) throw tooLarge('the label is too long');
  // eslint-disable-next-line no-control-regex -- a label with a line break or an escape would forge what is around it
  if (/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(value)) throw malformed('not a label');
  return value;
}

function requireDistinct(names: readonly string[]): void {
  if (new Set(names).size !== names.length) throw malformed('a name is there twice');
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}

function tooLarge(message: string): ProtocolError {
  return new ProtocolError('too-large', message);
}
