import type { RecordView, SaveRecord } from '../../api.ts';
import { decodeBase64, encodeBase64 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { firstText, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { withPinsOf } from '../../../protocol/records/pam-settings.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import { putBack, withhold } from '../../../protocol/records/withholding.ts';
import { withoutConfirmation } from './machine-confirmation.ts';
import type { Record as Row } from '../../../protocol/messages/gen/record_pb.js';
import type { OpenedRecord } from './record-book.ts';
import type { RecordEntry } from './record-entry.ts';

/** What a view says beside the record itself. */
export type ViewPlace = Pick<
  RecordView,
  'gatewayUid' | 'unconfirmed' | 'access' | 'folderUid' | 'favourite' | 'tags'
>;

/** The record as the page may have it: secret values stay behind. */
export function viewOf({ uid, ownerUid, row, content }: OpenedRecord, place: ViewPlace): RecordView {
  return {
    uid,
    ownerUid,
    revision: Number(row.revision),
    changedAt: Number(row.changedAtMs),
    ...withhold(withoutConfirmation(content)),
    connectionsAllowed: row.policy?.connections ?? false,
    trashed: row.deleted,
    ...place,
  };
}

/** What may only be connected with: what its launch card tells, and nothing of what is in it. */
export function launchViewOf(
  { uid, ownerUid, type, title, host, changedAt, trashed }: RecordEntry,
  row: Pick<Row, 'revision' | 'policy'>,
  place: ViewPlace,
): RecordView {
  return {
    ...{ uid, ownerUid, changedAt, trashed, ...place },
    revision: Number(row.revision),
    content: { type, title, fields: [{ type: 'text', label: 'Host', value: [host] }] },
    withheld: [],
    connectionsAllowed: row.policy?.connections ?? false,
  };
}

/**
 * The content to be sealed: withheld values come back from the record as it is, and what a gateway reaches has
 * its traffic seed, made once and never the page's to choose; a gateway's configuration keeps its pins. Throws `malformed` when a withheld field is another one.
 */
export function completeContent(input: SaveRecord, current: RecordContent | null): RecordContent {
  const given = putBack(input.content, input.withheld ?? [], current);
  const isConfiguration = given.type === 'pamNetworkConfiguration' && current !== null;
  const content = isConfiguration ? withPinsOf(given, current) : given;
  const seeded = templateOf(content.type)?.fields.some(({ type }) => type === 'trafficEncryptionSeed');
  return seeded ? withTrafficSeed(content, current) : content;
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
