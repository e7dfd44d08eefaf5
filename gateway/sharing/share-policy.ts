import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectReplySchema, RecordingNoticeSchema } from '../../protocol/messages/gen/command_pb.js';
import type { SharingPolicy } from '../../protocol/records/pam-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Machine } from '../secrets/machine.ts';

/** What guests of a session are told of it, and held to: what its owner is. */
export interface SharedTerms {
  readonly sharing: SharingPolicy;
  /** An administrator may look on where the gateway's policy says so: the record does not say that nobody may. */
  readonly watchable: boolean;
  /** As the reply to its owner says them. */
  readonly shown: Pick<
    MessageInitShape<typeof ConnectReplySchema>,
    'disableCopy' | 'disablePaste' | 'watermark' | 'protocol' | 'certificateIgnored'
  >;
  readonly recording: MessageInitShape<typeof RecordingNoticeSchema> | null;
}

/** Of the sealed record; where it says nothing, its owner may share a session, and nobody who was given the record. */
export function sharingOf({ ownerUid, connection }: Machine, accountUid: Uid): SharingPolicy {
  return connection.sharing ?? (accountUid === ownerUid ? 'type' : 'off');
}

/** Of the sealed record: who says that nobody else may see its sessions means administrators too. protocol.md §29.3. */
export function isWatchable({ connection }: Pick<Machine, 'connection'>): boolean {
  return connection.sharing !== 'off';
}

/** As a reply says it. */
export const sharingCodes: Readonly<Record<SharingPolicy, number>> = { off: 0, watch: 1, type: 2 };
