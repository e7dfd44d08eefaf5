// Which fields of a record applications see. protocol.md §31.6.
import type { RecordContent, RecordField } from '../../../protocol/records/content.ts';
import { fieldTypeOf } from '../../../protocol/records/field-types.ts';

/** Of the types that have screens of their own, those that say nothing of how a gateway is reached or trusted. */
const shownInternal: ReadonlySet<string> = new Set([
  ...['addressRef', 'cardRef', 'recordRef'],
  ...['pamHostname', 'rbiUrl', 'schedule', 'script'],
]);

/** Types that other clients of the format write and that have no form here. secrets-manager-protocol.md §6. */
const foreign: ReadonlySet<string> = new Set(['appFiller', 'otp', 'passkey']);

/**
 * Whether applications see a field. What this version does not know is seen when a person or an application added it to
 * the record, and not among the fields of its type: there a later version may keep something of its own.
 */
export function isShown({ type }: RecordField, group: 'fields' | 'custom'): boolean {
  if (type === 'fileRef') return group === 'fields'; // where attachments are
  const known = fieldTypeOf(type);
  if (known === null) return group === 'custom' || foreign.has(type);
  return known.internal !== true || shownInternal.has(type);
}

/** Fields of that group that applications see. */
export function shownFields(content: RecordContent, group: 'fields' | 'custom'): readonly RecordField[] {
  return (content[group] ?? []).filter((field) => isShown(field, group));
}

/** The shown fields as they are to be, with what is hidden in the record where it was. */
export function withShownFields(
  content: RecordContent,
  group: 'fields' | 'custom',
  shown: readonly RecordField[],
): readonly RecordField[] {
  const fields = [...shown];
  (content[group] ?? []).forEach((field, at) => {
    if (!isShown(field, group)) fields.splice(Math.min(at, fields.length), 0, field);
  });
  return fields;
}
