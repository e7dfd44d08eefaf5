import type { FieldPath, RecordView, SaveRecord } from '../api.ts';
import { decodeBase64, encodeBase64 } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  firstText,
  withValue,
  type RecordContent,
  type RecordField,
} from '../../protocol/records/content.ts';
import { isSecretField } from '../../protocol/records/templates.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { OpenedRecord } from './record-book.ts';

const groups = ['fields', 'custom'] as const;

/** The record as the page may have it: secret values stay behind. */
export function viewOf({ uid, row, content }: OpenedRecord, gatewayUid: Uid | null): RecordView {
  const withheld = groups.flatMap((group) => secretPaths(content, group));
  return {
    uid,
    revision: Number(row.revision),
    changedAt: Number(row.changedAtMs),
    content: withhold(content),
    withheld,
    connectionsAllowed: row.policy?.connections ?? false,
    gatewayUid,
  };
}

/** One value as text. Throws `not-found`. */
export function fieldText(content: RecordContent, { group, index }: FieldPath): string {
  const value = content[group]?.[index]?.value[0];
  if (value === undefined) throw new ProtocolError('not-found', 'the field has no value');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * The content to be sealed: withheld fields get their values back from the record as it is, and a machine has its
 * traffic seed, made once and never the page's to choose. Throws `malformed` when a withheld field is another one.
 */
export function completeContent(input: SaveRecord, current: RecordContent | null): RecordContent {
  const content = (input.withheld ?? []).reduce(
    (filled, path) => putBack(filled, path, current),
    input.content,
  );
  return content.type === 'pamMachine' ? withTrafficSeed(content, current) : content;
}

/** 32 bytes of the record's trafficEncryptionSeed. Throws `malformed`. */
export function trafficSeedOf(content: RecordContent) {
  const seed = decodeBase64(firstText(content, 'trafficEncryptionSeed'));
  if (seed.length !== 32)
    throw new ProtocolError('malformed', 'the machine has no traffic seed: save it once');
  return seed;
}

function withTrafficSeed(content: RecordContent, current: RecordContent | null): RecordContent {
  const known = current === null ? '' : firstText(current, 'trafficEncryptionSeed');
  return withValue(content, 'trafficEncryptionSeed', [known || encodeBase64(randomBytes(32))]);
}

function isWithheld(field: RecordField): boolean {
  return isSecretField(field) && field.value.length > 0;
}

function secretPaths(content: RecordContent, group: 'fields' | 'custom'): FieldPath[] {
  return (content[group] ?? []).flatMap((field, index) => (isWithheld(field) ? [{ group, index }] : []));
}

function withhold(content: RecordContent): RecordContent {
  const hide = (field: RecordField) => (isWithheld(field) ? { ...field, value: [] } : field);
  const fields = content.fields.map(hide);
  return content.custom ? { ...content, fields, custom: content.custom.map(hide) } : { ...content, fields };
}

function putBack(
  content: RecordContent,
  { group, index }: FieldPath,
  current: RecordContent | null,
): RecordContent {
  const list = content[group] ?? [];
  const field = list[index];
  const kept = current?.[group]?.[index];
  if (!field || !kept || field.type !== kept.type || field.label !== kept.label) {
    throw new ProtocolError('malformed', 'a withheld field is not the one of the record');
  }
  return { ...content, [group]: list.with(index, { ...field, value: kept.value }) };
}
