import { wipe } from '../../../protocol/bytes.ts';
import type { RecordingOpening } from '../../../protocol/messages/gen/recording_pb.js';
import {
  importRecordingKeys,
  resourceKeyOf,
  unwrapRecordingKey,
  type RecordingKeys,
} from '../../../protocol/recording/recording-key.ts';
import { applicationRecordKeyOf } from '../../../protocol/session/application-copy.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { History } from '../records/history.ts';

/**
 * The recording's keys, by way of its record's key of that time (protocol.md §25.1). Throws `not-found` without the
 * record, `not-allowed` for who may only connect with it, `open-failed`.
 */
export async function recordingKeysOf(
  history: Pick<History, 'keyOf'>,
  opening: RecordingOpening,
): Promise<RecordingKeys> {
  const recordUid = uidOf(opening.recordUid);
  const applicationUid = uidOf(opening.applicationUid);
  const recordKey = await history.keyOf(recordUid, opening.keyVersion);
  const copyKey = applicationRecordKeyOf(recordKey, applicationUid, recordUid);
  wipe(recordKey);
  const resourceKey = await resourceKeyOf(copyKey, applicationUid, recordUid);
  wipe(copyKey);
  const raw = await unwrapRecordingKey(resourceKey, opening);
  const keys = await importRecordingKeys(raw, uidOf(opening.sessionUid));
  wipe(raw);
  return keys;
}
