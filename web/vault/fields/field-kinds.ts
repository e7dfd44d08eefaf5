import {
  fieldTypeOf,
  fieldTypes,
  type Choice,
  type FieldType,
} from '../../../protocol/records/field-types.ts';
import type { RecordField } from '../../../protocol/records/content.ts';
import type { FieldTemplate } from '../../../protocol/records/templates.ts';

/** What a value is edited with; null for one that has screens of its own. */
export type EditorKind =
  | 'text'
  | 'lines'
  | 'secret'
  | 'secret-lines'
  | 'one-time-code'
  | 'card'
  | 'choice'
  | 'checkbox'
  | 'date'
  | 'members';

/** Set up where the record is used, or by verbs: a form has no single input for them. */
const ownScreens: ReadonlySet<string> = new Set([
  'fileRef',
  'addressRef',
  'cardRef',
  'recordRef',
  'pamSettings',
  'pamRemoteBrowserSettings',
  'pamResources',
  'schedule',
  'script',
  'trafficEncryptionSeed',
]);

/** Records that a field names by their UIDs. */
export interface ReferenceKind {
  readonly noun: string;
  /** Null: records of every type. */
  readonly types: readonly string[] | null;
  readonly many: boolean;
}

const references: Readonly<Record<string, ReferenceKind>> = {
  recordRef: { noun: 'record', types: null, many: true },
  addressRef: { noun: 'address', types: ['address', 'contact'], many: false },
  cardRef: { noun: 'card', types: ['bankCard'], many: false },
};
const identityProvider: ReferenceKind = {
  noun: 'configuration',
  types: ['pamAzureConfiguration', 'pamAwsConfiguration', 'pamGcpConfiguration', 'pamDomainConfiguration'],
  many: false,
};

/** What the values of a field point at; null for one that names no records. */
export function referenceKindOf({ type, label }: Pick<RecordField, 'type' | 'label'>): ReferenceKind | null {
  if (type === 'text' && label === 'identityProviderUid') return identityProvider;
  return Object.hasOwn(references, type) ? (references[type] ?? null) : null;
}

export function editorKindOf(type: string, template: FieldTemplate | null = null): EditorKind | null {
  const known = fieldTypeOf(type);
  if (known === null || ownScreens.has(type)) return null;
  if (type === 'oneTimeCode') return 'one-time-code';
  if (type === 'paymentCard') return 'card';
  return kindOfShape(known, template);
}

/** Field types that a person may add to a record. */
export const addableTypes: readonly FieldType[] = fieldTypes.filter(({ internal }) => internal !== true);

/** What a choice offers, with what it holds now even if that is not offered. */
export function choicesOf(type: string, template: FieldTemplate | null, current: string): readonly Choice[] {
  const shape = fieldTypeOf(type)?.shape;
  const own = template?.options?.map((value) => ({ value, title: value }));
  return withCurrent(own ?? (shape?.kind === 'choice' ? shape.options : []), current);
}

/** The options, an empty one before them, and the current value when it is none of them. */
export function withCurrent(options: readonly Choice[], current: string): readonly Choice[] {
  const known = current === '' || options.some(({ value }) => value === current);
  return [{ value: '', title: '—' }, ...options, ...(known ? [] : [{ value: current, title: current }])];
}

function kindOfShape({ shape, secret, multiline }: FieldType, template: FieldTemplate | null): EditorKind {
  if (shape.kind !== 'text') return shape.kind;
  const lines = multiline === true || template?.multiline === true;
  if (template?.options) return 'choice';
  if (secret) return lines ? 'secret-lines' : 'secret';
  return lines ? 'lines' : 'text';
}
