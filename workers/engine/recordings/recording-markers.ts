import type { NewMarker, RecordingMarkers as Listed, RecordingMarker as Shown } from '../../api.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { RecordingMarkerService, type RecordingMarker } from '../../../protocol/messages/gen/recording_pb.js';
import { openMarker, writeMarker } from '../../../protocol/recording/marker.ts';
import { parseMarker, scopeOf, verifyMarker } from '../../../protocol/signed/recording-marker.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';

/** What proves that somebody wrote something. */
export interface AuthorKeys {
  /** Of the roster, also of who has left; null: nobody that this vault knows. */
  readonly current: Bytes | null;
  /** That they gave up: whoever has one by now could have signed. */
  readonly former: readonly Bytes[];
}

export interface MarkerParts {
  readonly session: VaultSession;
  readonly clock: Clock;
  readonly keys: Pick<AccountKeys, 'accountUid' | 'signer'>;
  readonly authorKeysOf: (accountUid: Uid) => Promise<AuthorKeys>;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
}

const { listRecordingMarkers, putRecordingMarker, removeRecordingMarker } = RecordingMarkerService.method;

/** Markers of one recording that is open: nothing is shown that its author did not sign for that place. protocol.md §25.12. */
export class RecordingMarkers {
  readonly #parts: MarkerParts;
  readonly #sessionUid: Uid;
  readonly #key: SymmetricKey;

  /** `key`: the recording's marker key. */
  constructor(parts: MarkerParts, sessionUid: Uid, key: SymmetricKey) {
    this.#parts = parts;
    this.#sessionUid = sessionUid;
    this.#key = key;
  }

  async list(): Promise<Listed> {
    const request = { sessionUid: uidBytes(this.#sessionUid) };
    const { markers: sent } = await this.#parts.session.call(listRecordingMarkers, request);
    if (sent.length > limits.recording.markers) throw new ProtocolError('too-large', 'too many markers');
    const read = await Promise.all(sent.map((signed) => this.#read(signed)));
    const markers = new Map<Uid, Shown>();
    // Two of one name: the newest. A server that keeps a former one has it.
    for (const one of read)
      if (one && one.revision > (markers.get(one.uid)?.revision ?? 0)) markers.set(one.uid, one);
    const inOrder = [...markers.values()].sort((one, other) => one.atMs - other.atMs);
    return { markers: inOrder, unproved: read.filter((one) => one === null).length };
  }

  /** A new one, or the next revision of an own one. */
  async save({ uid, revision: before, atMs, text }: NewMarker): Promise<Shown> {
    const { session, clock, keys } = this.#parts;
    const revision = before + 1;
    const [markerUid, writtenAt] = [uid ?? newUid(), clock.now()];
    const scope = { sessionUid: this.#sessionUid, markerUid, authorUid: keys.accountUid, revision };
    const marker = await writeMarker(keys.signer, this.#key, scope, { atMs, text }, writtenAt);
    await session.call(putRecordingMarker, { marker });
    return {
      ...{ uid: markerUid, revision, atMs, text, writtenAt, byFormerKeys: false },
      ...{ authorUid: keys.accountUid, email: this.#parts.emailOf(keys.accountUid), own: true },
    };
  }

  async remove(markerUid: Uid): Promise<void> {
    const request = { sessionUid: uidBytes(this.#sessionUid), markerUid: uidBytes(markerUid) };
    await this.#parts.session.call(removeRecordingMarker, request);
  }

  /** Null: of another recording, or nobody that this vault knows signed it. */
  async #read(signed: Uint8Array): Promise<Shown | null> {
    try {
      const { marker, byFormerKeys } = await this.#verify(signed);
      const { sessionUid, markerUid: uid, authorUid, revision } = scopeOf(marker);
      if (sessionUid !== this.#sessionUid) return null;
      const { atMs, text } = await openMarker(this.#key, marker);
      const own = authorUid === this.#parts.keys.accountUid;
      const written = { writtenAt: Number(marker.writtenAtMs), byFormerKeys };
      return { uid, revision, atMs, text, authorUid, email: this.#parts.emailOf(authorUid), own, ...written };
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return null;
    }
  }

  async #verify(signed: Uint8Array): Promise<{ marker: RecordingMarker; byFormerKeys: boolean }> {
    const { current, former } = await this.#parts.authorKeysOf(uidOf(parseMarker(signed).authorUid));
    for (const key of [...(current ? [current] : []), ...former])
      try {
        return { marker: await verifyMarker(key, signed), byFormerKeys: key !== current };
      } catch (error) {
        if (toProtocolError(error)?.code !== 'bad-signature') throw error;
      }
    throw new ProtocolError('bad-signature');
  }
}
