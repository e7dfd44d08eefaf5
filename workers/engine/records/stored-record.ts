import { equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { RecordSchema, type Record } from '../../../protocol/messages/gen/record_pb.js';
import { uidBytes } from '../../../protocol/uid.ts';
import type { StoredRow } from '../storage.ts';

/** The record of a row; null when another one is there, or something that is none: what is stored is damaged. */
export function recordIn({ uid, record }: Pick<StoredRow, 'uid' | 'record'>): Record | null {
  try {
    const row = decodeMessage(RecordSchema, record);
    return equal(row.recordUid, uidBytes(uid)) ? row : null;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'malformed') return null;
    throw error;
  }
}
