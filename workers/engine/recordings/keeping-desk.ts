import type { HeldRecording, KeepingChoice, RecordingHold, RecordingKeepingView } from '../../api.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import {
  RecordingKeepingService,
  type RecordingClosing,
  type RecordingHold as StoredHold,
} from '../../../protocol/messages/gen/recording_pb.js';
import {
  signKeeping,
  verifyKeeping,
  type RecordingKeeping,
} from '../../../protocol/signed/recording-keeping.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { OrganisationBook } from '../organisation/organisation-book.ts';

const { getRecordingKeeping, putRecordingKeeping, holdRecording, releaseRecording } =
  RecordingKeepingService.method;
const dayMs = 24 * 60 * 60_000;
/** A gateway's clock is not the server's. */
const clocksMs = dayMs;

export interface KeepingDeskParts {
  readonly session: Pick<VaultSession, 'call' | 'deviceNow'>;
  readonly ownUid: Uid;
  readonly organisation: Pick<OrganisationBook, 'organisation' | 'keys'>;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
}

interface FactsOfEnd {
  readonly startedAt: number;
}

/** How long recordings are kept: what administrators signed, what the server makes of it, and who holds what. §30. */
export class KeepingDesk {
  readonly #parts: KeepingDeskParts;
  /** The newest that this vault has seen: no older one counts. */
  #newest: RecordingKeeping | null = null;

  constructor(parts: KeepingDeskParts) {
    this.#parts = parts;
  }

  /** What the server shows of the organisation's settings. What does not hold is not taken, and is said. */
  take(signed: Uint8Array): 'signed' | 'server' | 'refused' {
    try {
      return this.#read(signed) === null ? 'server' : 'signed';
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return 'refused';
    }
  }

  /** Until when a recording stays by what administrators and its gateway signed; null: nothing is promised. */
  promiseOf(said: FactsOfEnd | null, closing: RecordingClosing | null): number | null {
    if (said === null || this.#newest === null || this.#newest.days === 0) return null;
    const end = closing === null ? said.startedAt : Number(closing.endedAtMs);
    return end + this.#newest.days * dayMs - clocksMs;
  }

  holdOf({ accountUid: bytes, untilMs, heldAtMs }: StoredHold): RecordingHold {
    const accountUid = uidOf(bytes);
    return {
      ...{ accountUid, email: this.#parts.emailOf(accountUid), own: accountUid === this.#parts.ownUid },
      ...{ until: untilMs === 0n ? null : Number(untilMs), heldAt: Number(heldAtMs) },
    };
  }

  /** Throws `untrusted` for settings that do not hold, and what the server answers. */
  async read(
    previewDays: number,
    titleOf: (opening: Uint8Array) => Promise<HeldRecording['said']>,
  ): Promise<RecordingKeepingView> {
    const answer = await this.#parts.session.call(getRecordingKeeping, { previewDays });
    const keeping = this.#read(answer.keeping);
    const held: HeldRecording[] = [];
    for (const { sessionUid, opening, hold } of answer.heldRecordings)
      if (hold)
        held.push({ sessionUid: uidOf(sessionUid), said: await titleOf(opening), hold: this.holdOf(hold) });
    const { longestDays, count, goingSoon, wouldGo } = answer;
    return {
      ...{ days: keeping?.days ?? 0, mostBytes: keeping?.mostBytes ?? 0 },
      ...{ removeOldest: keeping?.removeOldest ?? false, decidedAt: keeping?.decidedAt ?? null },
      ...{ longestDays, quota: Number(answer.quota), usedSize: Number(answer.usedSize), count },
      ...{ oldestAt: orNull(answer.oldestAtMs), held, heldCount: answer.held, goingSoon, wouldGo },
      fullSince: orNull(answer.fullSinceMs),
    };
  }

  /** Over what was read last. */
  async save({ days, mostBytes, removeOldest }: KeepingChoice): Promise<void> {
    const { session, organisation } = this.#parts;
    const { uid: organisationUid } = organisation.organisation;
    const revision = (this.#newest?.revision ?? 0) + 1;
    const decidedAt = session.deviceNow();
    const said = { organisationUid, revision, days, mostBytes, removeOldest, decidedAt };
    const keeping = await organisation.keys.sign((signer) => signKeeping(signer, said));
    await session.call(putRecordingKeeping, { keeping });
    this.#newest = said;
  }

  async hold(sessionUid: Uid, until: number | null): Promise<void> {
    const request = { sessionUid: uidBytes(sessionUid), untilMs: BigInt(until ?? 0) };
    await this.#parts.session.call(holdRecording, request);
  }

  /** The own hold, or that account's. */
  async release(sessionUid: Uid, accountUid: Uid | null): Promise<void> {
    await this.#parts.session.call(releaseRecording, {
      sessionUid: uidBytes(sessionUid),
      accountUid: accountUid === null ? new Uint8Array(0) : uidBytes(accountUid),
    });
  }

  /** Null: nothing was set. Throws `untrusted` when that is older than what this vault has seen. */
  #read(signed: Uint8Array): RecordingKeeping | null {
    const keeping = signed.length === 0 ? null : verifyKeeping(this.#parts.organisation.organisation, signed);
    if ((keeping?.revision ?? 0) < (this.#newest?.revision ?? 0))
      throw new ProtocolError('untrusted', 'the settings are older than ones seen before');
    this.#newest = keeping;
    return keeping;
  }
}

function orNull(moment: bigint): number | null {
  return moment === 0n ? null : Number(moment);
}
