import type { Bytes } from '../../../protocol/bytes.ts';
import type { RecordPolicy } from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OpenedRecord } from './record-opener.ts';

/** A record as it is to be, before it is sealed. */
export interface Draft {
  readonly uid: Uid;
  /** Who owns it from this revision on; the account itself when it is not said. */
  readonly ownerUid?: Uid;
  /** 32 raw bytes. */
  readonly key: Bytes;
  /** 1 when it is not said. */
  readonly keyVersion?: number;
  /** The key that this one replaces, of the version below. */
  readonly formerKey?: Bytes;
  /** 0 for a new record. */
  readonly baseRevision: bigint;
  readonly content: RecordContent;
  readonly policy: Pick<RecordPolicy, 'connections' | 'launchUntilMs' | 'maxSessions'>;
  /** Into the trash, or still in it. */
  readonly deleted?: boolean;
  /**
   * Of a machine: a person says here where it leads. `further`: which counts when they stood by what it was before;
   * `anew`: they were shown all of it.
   */
  readonly confirms?: 'further' | 'anew';
  /** Accepts an offered ownership. */
  readonly takeOver?: boolean;
}

/** What a new record allows. */
export const openPolicy = { connections: true, launchUntilMs: 0n, maxSessions: 0 };

/** A record as it is now, to be changed. */
export function draftFrom({ uid, ownerUid, key, row, content }: OpenedRecord): Draft {
  const { connections, launchUntilMs, maxSessions } = row.policy ?? openPolicy;
  return {
    uid,
    ownerUid,
    key,
    keyVersion: row.keyVersion || 1,
    baseRevision: row.revision,
    content,
    policy: { connections, launchUntilMs, maxSessions },
    deleted: row.deleted,
  };
}
