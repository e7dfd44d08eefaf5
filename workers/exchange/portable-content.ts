import { ProtocolError } from '../../protocol/errors.ts';
import { isObject } from '../../protocol/json.ts';
import type { FieldValue, RecordContent, RecordField } from '../../protocol/records/content.ts';
import { parseFieldValue } from '../../protocol/records/field-values.ts';
import { fieldTypeOf } from '../../protocol/records/field-types.ts';
import { templateOf } from '../../protocol/records/templates.ts';

export interface PortableContent {
  readonly content: RecordContent;
  /** Names of fields that were left out. */
  readonly dropped: readonly string[];
}

/** Settings that move with a machine; who and what they name does not. */
const settings: ReadonlySet<string> = new Set(['pamHostname', 'pamSettings', 'pamRemoteBrowserSettings']);

/** Made anew where the record comes to be, or moved another way: nobody misses them. */
const silent: ReadonlySet<string> = new Set(['fileRef', 'trafficEncryptionSeed']);

/** Members that name records, keys or gateways of one vault, and its owner's word about them. */
const names = /(uid|uids|ref|refs|credential|credentials|records|confirmation)$/i;

/**
 * A content as it may leave a vault and enter another one. [Note: no UIDs in files] A file that may name records could
 * have a machine of its maker's launched with a credential that is here already, through a gateway that is here, or
 * pass a key that its maker knows for a record's own. So nothing that names anything moves: links are numbers within
 * the file, seeds are made anew, types that people do not make (applications, folders, pins of keys) become notes.
 */
export function portableContent(given: RecordContent): PortableContent {
  const dropped: string[] = [];
  const kept = (fields: readonly RecordField[]) => fields.flatMap((field) => portableField(field, dropped));
  const { type, title, notes, custom = [] } = given;
  const ordinary = isOrdinaryType(type);
  const fields = kept(given.fields);
  const others = kept(custom);
  const content: RecordContent = {
    type: ordinary ? type : 'encryptedNotes',
    title,
    ...(notes === undefined ? {} : { notes }),
    fields: ordinary ? fields : [],
  };
  const more = ordinary ? others : [...fields, ...others];
  return { content: more.length > 0 || given.custom ? { ...content, custom: more } : content, dropped };
}

/** Whether people make records of that type: those with a template that is not internal, and an administrator's own. */
function isOrdinaryType(type: string): boolean {
  const template = templateOf(type);
  return template === null ? /^custom:[a-z0-9-]+$/.test(type) : template.internal !== true;
}

function portableField(field: RecordField, dropped: string[]): readonly RecordField[] {
  const known = fieldTypeOf(field.type);
  const moves = known !== null && (known.internal !== true || settings.has(field.type));
  const value = moves ? field.value.map(withoutNames).filter((one) => fits(field.type, one)) : [];
  const lost = moves ? value.length < field.value.length : field.value.length > 0 && !silent.has(field.type);
  if (lost) dropped.push(field.label ?? known?.title ?? field.type);
  return moves || silent.has(field.type) ? [{ ...field, value }] : [];
}

function fits(type: string, value: FieldValue): boolean {
  try {
    parseFieldValue(type, value);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function withoutNames(value: FieldValue): FieldValue {
  return typeof value === 'object' ? membersWithoutNames(value, 0) : value;
}

/** Settings are two objects deep; what is deeper than four is none of ours. */
function membersWithoutNames(
  value: Readonly<Record<string, unknown>>,
  depth: number,
): Readonly<Record<string, unknown>> {
  if (depth > 4) return {};
  const members = Object.entries(value).filter(([name]) => !names.test(name));
  return Object.fromEntries(
    members.map(([name, member]) => [
      name,
      isObject(member) ? membersWithoutNames(member, depth + 1) : member,
    ]),
  );
}
