import type { FieldValue, RecordContent, RecordField } from '../../../protocol/records/content.ts';
import { isObject } from '../../../protocol/json.ts';
import { scheduleSettings } from '../../../protocol/records/schedules.ts';
import { fieldTypeOf, membersOf, type FieldMember } from '../../../protocol/records/field-types.ts';
import { isEmptyValue, lineOf } from '../../../protocol/records/field-values.ts';
import type { FieldTemplate } from '../../../protocol/records/templates.ts';
import { memberOf } from '../../../protocol/records/withholding.ts';
import type { FieldPath } from '../../../workers/api.ts';
import { isWebAddress } from '../web-address.ts';
import { textsIn } from './field-draft.ts';
import { editorKindOf, referenceKindOf } from './field-kinds.ts';
import { settingLines } from './setting-lines.ts';

/** One line of a record that is shown. */
export type FieldLine =
  | { readonly kind: 'text'; readonly title: string; readonly text: string; readonly mono: boolean }
  | { readonly kind: 'plain'; readonly title: string; readonly text: string }
  | { readonly kind: 'link'; readonly title: string; readonly text: string }
  | { readonly kind: 'prose'; readonly title: string; readonly text: string }
  | { readonly kind: 'secret'; readonly title: string; readonly path: FieldPath; readonly multiline: boolean }
  | { readonly kind: 'code'; readonly title: string; readonly path: FieldPath }
  | { readonly kind: 'records'; readonly title: string; readonly uids: readonly string[] }
  | { readonly kind: 'folder'; readonly title: string; readonly uid: string }
  | { readonly kind: 'gateway'; readonly title: string; readonly uid: string };

interface Shown {
  readonly field: RecordField;
  readonly title: string;
  readonly template: FieldTemplate | null;
  readonly path: Pick<FieldPath, 'group' | 'index'>;
  readonly withheld: readonly FieldPath[];
  /** Names of the record's attachments, by their UIDs. */
  readonly files?: ReadonlyMap<string, string>;
}

/** Read as one, not member by member. */
const wholes: ReadonlySet<string> = new Set(['name', 'phone', 'host', 'pamHostname']);
const monospaced: ReadonlySet<string> = new Set([
  'host',
  'pamHostname',
  'licenseNumber',
  'accountNumber',
  'groupNumber',
]);

/** What there is to show of a field: nothing when it is empty or has screens of its own. */
export function linesOf(shown: Shown): readonly FieldLine[] {
  const { field, title, template, path, withheld } = shown;
  const known = fieldTypeOf(field.type);
  const kind = editorKindOf(field.type, template);
  if (field.type === 'schedule') return scheduleLines(title, field.value);
  if (field.type === 'script') return scriptLines(field.value, shown.files);
  if (field.type === 'pamResources') return resourceLines(field.value);
  if (referenceKindOf(field) !== null) return recordsLine(title, field.value);
  // What another version wrote is withheld as a whole, and can be looked at so.
  if (known !== null && kind === null) return [];
  const whole = withheld.find((place) => isAt(place, path) && place.member === undefined);
  if (whole !== undefined) {
    if (kind === 'one-time-code') return [{ kind: 'code', title, path: whole }];
    return [{ kind: 'secret', title, path: whole, multiline: kind === 'secret-lines' }];
  }
  return field.value.flatMap((value, at) => valueLines(shown, value, at));
}

function scheduleLines(title: string, [value]: readonly FieldValue[]): readonly FieldLine[] {
  if (!isObject(value)) return [];
  const lines = settingLines(value, scheduleSettings(String(value['type'] ?? '')));
  const text = lines
    .map((line) => (line.title === 'When' ? line.text : `${line.title}: ${line.text}`))
    .join('\n');
  return text === '' ? [] : [{ kind: 'prose', title, text }];
}

/** Names of a record's attachments, by their UIDs. */
export function fileNames({ fields }: RecordContent): ReadonlyMap<string, string> {
  const values = fields.flatMap(({ type, value }) => (type === 'fileRef' ? value : []));
  return new Map(values.map((value) => [textIn(value, 'fileUid'), textIn(value, 'name')]));
}

/** What is run, with which command, and the records that it is given. */
function scriptLines(
  values: readonly FieldValue[],
  files: ReadonlyMap<string, string> = new Map(),
): readonly FieldLine[] {
  return values.flatMap((value, at): readonly FieldLine[] => {
    const title = `Script ${at + 1}`;
    const [fileUid, command] = [textIn(value, 'fileRef'), textIn(value, 'command')];
    const name = fileUid === '' ? 'No file' : (files.get(fileUid) ?? 'A file that is no longer attached');
    return [
      { kind: 'plain', title, text: name },
      ...(command === ''
        ? []
        : [{ kind: 'text', title: `Command of script ${at + 1}`, text: command, mono: true } as const]),
      ...recordsLine(`Records of script ${at + 1}`, memberOf(value, 'recordRef')),
    ];
  });
}

/** Pins are nothing to read; the rest is. */
function resourceLines([value]: readonly FieldValue[]): readonly FieldLine[] {
  const [gateway, folder] = [textIn(value, 'controllerUid'), textIn(value, 'folderUid')];
  return [
    ...(gateway === '' ? [] : [{ kind: 'gateway', title: 'Gateway', uid: gateway } as const]),
    ...(folder === '' ? [] : [{ kind: 'folder', title: 'Application folder', uid: folder } as const]),
    ...recordsLine('Resources', memberOf(value, 'resourceRef')),
    ...recordsLine('Administrative credential', [memberOf(value, 'adminCredentialRef')]),
  ];
}

function recordsLine(title: string, values: unknown): readonly FieldLine[] {
  const uids = textsIn(values);
  return uids.length === 0 ? [] : [{ kind: 'records', title, uids }];
}

function textIn(value: FieldValue | undefined, member: string): string {
  const held = memberOf(value, member);
  return typeof held === 'string' ? held : '';
}

function valueLines(shown: Shown, value: FieldValue, at: number): readonly FieldLine[] {
  const { field, title } = shown;
  if (typeof value !== 'object' || wholes.has(field.type)) return textLine(field.type, title, value);
  if (field.type === 'address') return addressLine(title, value);
  return membersOf(field.type).flatMap((member) => memberLines(shown, value, at, member));
}

function textLine(type: string, title: string, value: FieldValue): readonly FieldLine[] {
  if (isEmptyValue(value)) return [];
  if (typeof value === 'string' && fieldTypeOf(type)?.multiline)
    return [{ kind: 'prose', title, text: value }];
  if (typeof value === 'string' && (type === 'url' || type === 'rbiUrl') && isWebAddress(value))
    return [{ kind: 'link', title, text: value }];
  if (typeof value === 'boolean') return [{ kind: 'plain', title, text: value ? 'Yes' : 'No' }];
  return [{ kind: 'text', title, text: readable(type, value), mono: monospaced.has(type) }];
}

function readable(type: string, value: FieldValue): string {
  if (typeof value === 'number' && fieldTypeOf(type)?.shape.kind === 'date')
    return new Date(value).toLocaleDateString([], { dateStyle: 'medium', timeZone: 'UTC' });
  return lineOf(type, value);
}

function addressLine(
  title: string,
  value: Exclude<FieldValue, string | number | boolean>,
): readonly FieldLine[] {
  const parts = membersOf('address').flatMap(({ name }) => {
    const part = value[name];
    return typeof part === 'string' && part !== '' ? [part] : [];
  });
  return parts.length === 0 ? [] : [{ kind: 'prose', title, text: parts.join('\n') }];
}

function memberLines(
  shown: Shown,
  value: Exclude<FieldValue, string | number | boolean>,
  at: number,
  member: FieldMember,
): readonly FieldLine[] {
  const title = memberTitle(shown, at, member);
  const place = shown.withheld.find(
    (one) => isAt(one, shown.path) && one.member === member.name && (one.at ?? 0) === at,
  );
  if (place !== undefined)
    return [{ kind: 'secret', title, path: place, multiline: member.multiline === true }];
  const text = value[member.name];
  if (typeof text !== 'string' || text === '') return [];
  return [{ kind: 'text', title, text, mono: member.multiline === true }];
}

function memberTitle({ field, title }: Shown, at: number, member: FieldMember): string {
  const own = field.label === undefined ? member.title : `${title}: ${member.title.toLowerCase()}`;
  return field.value.length > 1 ? `${own} ${at + 1}` : own;
}

function isAt(place: FieldPath, path: Pick<FieldPath, 'group' | 'index'>): boolean {
  return place.group === path.group && place.index === path.index;
}
