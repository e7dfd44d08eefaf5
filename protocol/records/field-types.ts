import { everydayFieldTypes } from './field-types-everyday.ts';
import { pamFieldTypes } from './field-types-pam.ts';

/** What one value of a field is. */
export type ValueShape =
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly options: readonly Choice[] }
  | { readonly kind: 'checkbox' }
  /** Milliseconds since 1970, at midnight UTC: a day, whatever the time zone of whoever reads it. */
  | { readonly kind: 'date' }
  | { readonly kind: 'members'; readonly members: readonly FieldMember[] };

export interface Choice {
  readonly value: string;
  readonly title: string;
}

/** What a text has to look like, where that can be said. */
export type TextFormat =
  | 'port'
  | 'count'
  | 'minutes'
  | 'month-day'
  | 'utc-time'
  | 'moment'
  | 'cron'
  | 'time-zone'
  | 'networks'
  | 'port-mapping';

/** One member of an object value. `json` is an object whose own reader checks it. */
export interface FieldMember {
  readonly name: string;
  readonly title: string;
  readonly kind: 'text' | 'number' | 'checkbox' | 'json' | 'list';
  readonly secret?: true;
  /** Of a `json` member: names inside of it that stay in the worker. */
  readonly secretParts?: readonly string[];
  readonly multiline?: true;
  readonly options?: readonly Choice[];
}

/** How values of one field type look, are edited and are kept back. */
export interface FieldType {
  readonly type: string;
  readonly title: string;
  readonly shape: ValueShape;
  /** The whole value stays in the worker until it is asked for. */
  readonly secret?: true;
  readonly multiline?: true;
  /** A field may hold several values. */
  readonly many?: true;
  /** Other clients write the UID of a record in place of the object. */
  readonly orUid?: true;
  /** Belongs to certain record types or has screens of its own: never offered for fields that a person adds. */
  readonly internal?: true;
}

/** Every field type, in the order in which a person is offered them. */
export const fieldTypes: readonly FieldType[] = [...everydayFieldTypes, ...pamFieldTypes];

const byName: ReadonlyMap<string, FieldType> = new Map(fieldTypes.map((known) => [known.type, known]));

/** Returns null for a type of other writers that this version does not know. */
export function fieldTypeOf(type: string): FieldType | null {
  return byName.get(type) ?? null;
}

/** Whether a field's values stay in the worker as a whole. A type that is not known counts as secret. */
export function isSecretField(field: { readonly type: string }): boolean {
  const known = fieldTypeOf(field.type);
  return known === null || known.secret === true;
}

/**
 * Names of the members of a type's values that stay in the worker; none for other shapes. What is secret inside of a
 * `json` member has both names with a dot between them.
 */
export function secretMembersOf(type: string): readonly string[] {
  return membersOf(type).flatMap(({ name, secret, secretParts = [] }) =>
    secret === true ? [name] : secretParts.map((part) => `${name}.${part}`),
  );
}

/** Members of a type's object values in order; none for other shapes. */
export function membersOf(type: string): readonly FieldMember[] {
  const shape = fieldTypeOf(type)?.shape;
  return shape?.kind === 'members' ? shape.members : [];
}
