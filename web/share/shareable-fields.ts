import { fieldTypeOf, isSecretField, membersOf } from '../../protocol/records/field-types.ts';
import type { FieldValue, RecordField } from '../../protocol/records/content.ts';
import { fieldTemplateOf, type RecordTemplate } from '../../protocol/records/templates.ts';
import type { FieldPath, RecordView } from '../../workers/api.ts';

/** One value of a record that may go into a link. */
export interface ShareableField {
  readonly key: string;
  readonly path: FieldPath;
  readonly label: string;
  readonly secret: boolean;
}

/** What belongs to the vault itself, or to files: of no use to anybody else. */
const ownAffairs = [
  'fileRef',
  'pamSettings',
  'pamResources',
  'trafficEncryptionSeed',
  'recordRef',
  'cardRef',
];

/** Every value that the record has, named as its page names it. */
export function shareableFields(
  { content, withheld }: RecordView,
  template: RecordTemplate | null,
): readonly ShareableField[] {
  const isWithheld = (path: FieldPath) =>
    withheld.some(
      ({ group, index, at = 0, member }) =>
        group === path.group && index === path.index && at === path.at && member === path.member,
    );
  const shareable = (path: FieldPath, label: string, secret: boolean) => {
    const key = [path.group, path.index, path.at, path.member].join('/');
    return { key, path, label, secret };
  };
  return (['fields', 'custom'] as const).flatMap((group) =>
    (content[group] ?? []).flatMap((field, index) => {
      if (ownAffairs.includes(field.type)) return [];
      const title = fieldTemplateOf(template, field)?.title ?? field.label ?? '';
      const label = title || (fieldTypeOf(field.type)?.title ?? field.type);
      const whole = { group, index, at: 0 };
      if (isWithheld(whole)) return [shareable(whole, label, true)];
      return field.value.flatMap((value, at) => {
        const named = field.value.length > 1 ? `${label} ${at + 1}` : label;
        if (typeof value !== 'object')
          return value === '' ? [] : [shareable({ group, index, at }, named, isSecretField(field))];
        return filledMembers(field, value, (member) => isWithheld({ group, index, at, member })).map(
          ({ name, title: of, secret }) =>
            shareable({ group, index, at, member: name }, `${named}: ${of.toLowerCase()}`, secret),
        );
      });
    }),
  );
}

function filledMembers(
  { type }: RecordField,
  value: FieldValue,
  isWithheld: (member: string) => boolean,
): readonly { readonly name: string; readonly title: string; readonly secret: boolean }[] {
  const has = (name: string) =>
    typeof value === 'object' && ![undefined, null, ''].includes(value[name] as null);
  return membersOf(type)
    .filter(({ name, kind }) => kind !== 'json' && (has(name) || isWithheld(name)))
    .map(({ name, title, secret }) => ({ name, title, secret: secret === true }));
}
