import type {
  SessionLogEntryView,
  SessionLogFilter,
  SessionLogKindName,
  SessionLogPage,
  SessionLogPlace,
} from '../../api.ts';
import { RecordingEventKind } from '../../../protocol/messages/gen/recording_pb.js';
import {
  SessionLogGroup,
  SessionLogKind,
  SessionLogService,
  type SessionLogEntry,
} from '../../../protocol/messages/gen/session-log_pb.js';
import { SessionEventKind } from '../../../protocol/messages/gen/session-share_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { Gateways } from '../gateways/gateways.ts';

export interface SessionLogParts {
  readonly session: Pick<VaultSession, 'call'>;
  readonly gateways: Pick<Gateways, 'known'>;
  /** Empty for a record that is not in this vault. */
  readonly titleOf: (recordUid: Uid) => string;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
}

const groups = {
  sessions: SessionLogGroup.SESSIONS,
  guests: SessionLogGroup.GUESTS,
  recordings: SessionLogGroup.RECORDINGS,
  files: SessionLogGroup.FILES,
} as const;

const sessionKinds: Readonly<Record<number, SessionLogKindName>> = {
  [SessionLogKind.OPENED]: 'opened',
  [SessionLogKind.ENDED]: 'ended',
  [SessionLogKind.FILES]: 'files',
};
const guestKinds: Readonly<Record<number, SessionLogKindName>> = {
  [SessionEventKind.SHARED]: 'shared',
  [SessionEventKind.UNSHARED]: 'unshared',
  [SessionEventKind.JOINED]: 'joined',
  [SessionEventKind.LEFT]: 'left',
  [SessionEventKind.WATCHED]: 'watched',
  [SessionEventKind.WATCH_OVER]: 'watch-over',
  [SessionEventKind.ENDED]: 'ended-by-administrator',
  [SessionEventKind.POLICY]: 'policy-set',
};
const recordingKinds: Readonly<Record<number, SessionLogKindName>> = {
  [RecordingEventKind.STARTED]: 'recording-started',
  [RecordingEventKind.FINISHED]: 'recording-finished',
  [RecordingEventKind.OPENED]: 'recording-viewed',
  [RecordingEventKind.DELETED]: 'recording-deleted',
  [RecordingEventKind.EXPIRED]: 'recording-expired',
  [RecordingEventKind.AUDITORS_SET]: 'auditors-set',
  [RecordingEventKind.HELD]: 'recording-held',
  [RecordingEventKind.RELEASED]: 'recording-released',
  [RecordingEventKind.MADE_ROOM]: 'recording-made-room',
  [RecordingEventKind.KEEPING_SET]: 'keeping-set',
};

/** What the server noted of sessions and recordings, with the names that this vault knows. protocol.md §30.6. */
export class SessionLog {
  readonly #parts: SessionLogParts;

  constructor(parts: SessionLogParts) {
    this.#parts = parts;
  }

  async list(filter: SessionLogFilter, after: SessionLogPlace | null): Promise<SessionLogPage> {
    const { session, gateways } = this.#parts;
    const none = new Uint8Array(0);
    const { entries, more } = await session.call(SessionLogService.method.listSessionLog, {
      recordUid: filter.recordUid === null ? none : uidBytes(filter.recordUid),
      accountUid: filter.accountUid === null ? none : uidBytes(filter.accountUid),
      group: filter.group === null ? SessionLogGroup.UNSPECIFIED : groups[filter.group],
      ...{ fromMs: BigInt(filter.from ?? 0), beforeMs: BigInt(filter.before ?? 0) },
      ...(after && {
        after: { atMs: BigInt(after.at), source: after.source, entryId: BigInt(after.id) },
      }),
    });
    const names = new Map((await gateways.known()).map(({ uid, name }) => [uid, name]));
    return { entries: entries.map((entry) => this.#describe(entry, names)), more };
  }

  #describe(entry: SessionLogEntry, names: ReadonlyMap<Uid, string>): SessionLogEntryView {
    const recordUid = uidIn(entry.recordUid);
    const gatewayUid = uidIn(entry.gatewayUid);
    return {
      place: placeOf(entry),
      kind: kindOf(entry),
      ...{ recordUid, title: recordUid === null ? '' : this.#parts.titleOf(recordUid) },
      ...{ who: this.#person(entry.accountUid), other: this.#person(entry.otherUid) },
      gateway: gatewayUid === null ? '' : (names.get(gatewayUid) ?? ''),
      ...{ sessionUid: uidIn(entry.sessionUid), code: entry.code, upload: entry.upload },
      ...{ size: Number(entry.size), finished: entry.finished, count: entry.count },
      silent: entry.silent,
    };
  }

  #person(bytes: Uint8Array) {
    const uid = uidIn(bytes);
    return uid === null ? null : { uid, email: this.#parts.emailOf(uid) };
  }
}

function kindOf({ kind }: SessionLogEntry): SessionLogKindName {
  if (kind.case === 'session') return sessionKinds[kind.value] ?? 'other';
  if (kind.case === 'guest') return guestKinds[kind.value] ?? 'other';
  if (kind.case === 'recording') return recordingKinds[kind.value] ?? 'other';
  return 'other';
}

function placeOf({ place }: SessionLogEntry): SessionLogPlace {
  return { at: Number(place?.atMs ?? 0), source: place?.source ?? 0, id: Number(place?.entryId ?? 0) };
}

/** Null for none, and throws `malformed` for what is no UID. */
function uidIn(bytes: Uint8Array): Uid | null {
  return bytes.length === 0 ? null : uidOf(bytes);
}
