import { toProtocolError } from '../../../protocol/errors.ts';
import {
  connectionKindOf,
  connectionProtocolOf,
  type ConnectionKind,
  type Setting,
} from '../../../protocol/records/connection-protocols.ts';
import type { RecordField } from '../../../protocol/records/content.ts';
import type { TextFormat } from '../../../protocol/records/field-types.ts';
import { parseOneTimeSecret } from '../../../protocol/records/one-time-secret.ts';
import { isColorScheme } from '../../../protocol/records/pam-settings.ts';
import { scheduleSettings } from '../../../protocol/records/schedules.ts';
import { recordTemplates } from '../../../protocol/records/templates.ts';
import { memberOf } from '../../../protocol/records/withholding.ts';
import { isWebAddress } from '../web-address.ts';
import { partAt, textAt, valueCount, type FieldDraft } from './field-draft.ts';
import { formatProblem } from './text-formats.ts';

/** By type and label of the field. */
const formats: ReadonlyMap<string, TextFormat> = new Map(
  recordTemplates.flatMap(({ fields }) =>
    fields.flatMap(({ type, label, format }) => (format ? [[`${type} ${label}`, format] as const] : [])),
  ),
);

/** What is wrong with a text of that type and label, as a sentence; null when nothing is, and for an empty one. */
export function textProblem(type: string, text: string, label?: string): string | null {
  if (text.trim() === '') return null;
  const format = label === undefined ? undefined : formats.get(`${type} ${label}`);
  if (format !== undefined) return formatProblem(format, text);
  switch (type) {
    case 'url':
    case 'rbiUrl':
      return isWebAddress(text) ? null : 'Start it with https:// or http://.';
    case 'email':
      return /^[^\s@]+@[^\s@]+$/.test(text.trim()) ? null : 'This is not an email address.';
    case 'oneTimeCode':
      return codeProblem(text);
    case 'json':
      return isJson(text) ? null : 'This is not JSON.';
    default:
      return null;
  }
}

/** What is wrong with a member of a value of that type; null when nothing is, and for an empty one. */
export function memberProblem(type: string, member: string, text: string): string | null {
  if (text === '') return null;
  if (member === 'port') return formatProblem('port', text);
  if (member === 'hostName') return /\s/.test(text.trim()) ? 'No spaces here.' : null;
  if (type === 'paymentCard' && member === 'cardExpirationDate')
    return /^(0[1-9]|1[0-2])\/\d{4}$/.test(text) ? null : 'Month and year, as 04/2030.';
  return null;
}

/** Whether anything in the field keeps the record from being saved. */
export function hasProblem(draft: FieldDraft): boolean {
  const { type, label, value } = draft.field;
  if (
    settingsOf(draft.field).some((setting) => settingProblem(setting, settingText(draft, setting)) !== null)
  )
    return true;
  if (isWrongScheme(draft)) return true;
  return Array.from({ length: valueCount(draft) }, (_, at) => at).some((at) => {
    const held = value[at];
    if (typeof held !== 'object') return textProblem(type, textAt(draft, at), label) !== null;
    return Object.keys(held).some(
      (member) => memberProblem(type, member, textAt(draft, at, member)) !== null,
    );
  });
}

/** What is wrong with a setting, as a sentence; null when nothing is, and for an empty one. */
export function settingProblem({ format }: Setting, text: string): string | null {
  return format === undefined || text.trim() === '' ? null : formatProblem(format, text);
}

/** The settings inside of a field's value, where it has any: those that are asked for as it is now. */
function settingsOf(field: RecordField): readonly Setting[] {
  if (field.type === 'schedule') return scheduleSettings(String(memberOf(field.value[0], 'type') ?? ''));
  return connectionIn(field)?.settings ?? [];
}

function connectionIn({ type, value: [value] }: RecordField): ConnectionKind | null {
  if (type !== 'pamSettings' && type !== 'pamRemoteBrowserSettings') return null;
  const usual = type === 'pamSettings' ? 'ssh' : 'http';
  const protocol = memberOf(value, 'connection.protocol') ?? usual;
  return connectionKindOf(connectionProtocolOf(protocol) ?? usual);
}

/** Where colours are asked for. */
function isWrongScheme({ field }: FieldDraft): boolean {
  const scheme = memberOf(field.value[0], 'connection.colorScheme');
  return scheme !== undefined && connectionIn(field)?.terminal === true && !isColorScheme(scheme);
}

function settingText(draft: FieldDraft, { path }: Setting): string {
  const part = partAt(draft, 0, path);
  return typeof part === 'string' || typeof part === 'number' ? String(part) : '';
}

function codeProblem(text: string): string | null {
  try {
    parseOneTimeSecret(text);
    return null;
  } catch (error) {
    const message = toProtocolError(error)?.message ?? 'not readable';
    return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // that it is none is the answer
  }
}
