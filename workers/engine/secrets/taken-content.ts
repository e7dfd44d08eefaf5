// What of an application's write becomes of a record. protocol.md §31.6.
import { utf8 } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { isObject } from '../../../protocol/json.ts';
import { limits } from '../../../protocol/limits.ts';
import { encodeContent, type FieldValue, type RecordContent } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { isOrdinary } from '../records/record-entry.ts';
import { completeContent } from '../records/record-view.ts';
import type { SecretContent } from './secret-json.ts';
import { withShownFields } from './shown-fields.ts';

/** Of a revision that took a write over: which one, so that it is taken once. It is in the sealed content. */
export interface TakenFrom {
  readonly recordUid: Uid;
  /** Revision that the application's copy was made from; 0: it made the record. */
  readonly base: number;
  /** As the server counts writes. */
  readonly write: number;
  readonly applicationUid: Uid;
}

/** What becomes of a record's attachments: UIDs that the application took off, and whole entries that it added. */
export interface FileChanges {
  readonly removed: readonly Uid[];
  readonly added: readonly FieldValue[];
}

const member = 'takenFrom';

/** The record with what an application wrote, all that it does not see as it is, and where it came from. */
export function takenContent(
  written: SecretContent,
  current: RecordContent | null,
  files: FileChanges,
  from: TakenFrom,
): RecordContent {
  if (!isOrdinary(written.type)) throw new ProtocolError('not-allowed', 'no application makes such records');
  const base = current ?? { type: written.type, title: '', fields: [] };
  const { notes: _notes, custom: _custom, ...rest } = base;
  const { type, title, notes } = written;
  const custom = withShownFields(base, 'custom', written.custom ?? []);
  const content = {
    ...rest,
    ...{ type, title },
    ...(notes === undefined ? {} : { notes }),
    fields: withFiles(withShownFields(base, 'fields', written.fields), base, files),
    ...(custom.length === 0 ? {} : { custom }),
    [member]: from,
  };
  const whole = completeContent({ content }, current);
  if (utf8(encodeContent(whole)).length > limits.recordPlaintext)
    throw new ProtocolError('too-large', 'more than a record holds');
  return whole;
}

/** Where that revision's content came from; null for what people wrote, and for a copy of another record. */
export function takenFrom(content: RecordContent, recordUid: Uid): TakenFrom | null {
  const from = (content as RecordContent & { readonly [member]?: unknown })[member];
  return isTakenFrom(from) && from.recordUid === recordUid ? from : null;
}

function isTakenFrom(value: unknown): value is TakenFrom {
  if (!isObject(value)) return false;
  const { recordUid, base, write, applicationUid } = value;
  return (
    [recordUid, applicationUid].every((uid) => typeof uid === 'string') &&
    [base, write].every((count) => Number.isSafeInteger(count))
  );
}

/** What an application says of files in a field is no more than their names: what there is, the record knows. */
function withFiles(
  fields: readonly RecordContent['fields'][number][],
  current: RecordContent,
  { removed, added }: FileChanges,
): RecordContent['fields'] {
  const held = current.fields.find(({ type }) => type === 'fileRef')?.value ?? [];
  const kept = held.filter((value) => !removed.some((uid) => uid === uidOf(value)));
  const values = [...kept, ...added];
  const at = fields.findIndex(({ type }) => type === 'fileRef');
  const others = fields.filter(({ type }) => type !== 'fileRef');
  if (at < 0 && values.length === 0) return others;
  return others.toSpliced(at < 0 ? others.length : at, 0, { type: 'fileRef', value: values });
}

function uidOf(value: FieldValue): unknown {
  return typeof value === 'object' ? value['fileUid'] : value;
}
