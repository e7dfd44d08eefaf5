import type { RecordingFacts, RecordingGateway, RecordingSummary } from '../../api.ts';
import { encodeBase64url, equal, parseBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type {
  RecordingClosing,
  RecordingOpening,
  StoredRecording,
} from '../../../protocol/messages/gen/recording_pb.js';
import { verifyClosing, verifyOpening } from '../../../protocol/signed/recording.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { Gateways } from '../gateways/gateways.ts';
import type { KeepingDesk } from './keeping-desk.ts';
import type { RecordBook } from '../records/record-book.ts';

export interface ViewParts {
  readonly book: RecordBook;
  readonly gateways: Gateways;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
  readonly keeping: Pick<KeepingDesk, 'promiseOf' | 'holdOf'>;
}

/** What the vault itself knows of a gateway. */
interface Pinned {
  readonly name: string;
  readonly key: Bytes | null;
}

/** A recording by the words that its gateway signed. */
export interface ReadStatements {
  readonly opening: RecordingOpening;
  readonly closing: RecordingClosing | null;
  readonly facts: RecordingFacts;
  readonly pinnedKey: Bytes | null;
}

/** Says of stored recordings what their gateways signed, and nothing that the server says alone. */
export class RecordingViews {
  readonly #parts: ViewParts;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  async summarise(stored: StoredRecording): Promise<RecordingSummary> {
    try {
      const { facts, closing } = await this.read(stored);
      return this.summaryOf(stored, facts, closing);
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return this.summaryOf(stored, null, null);
    }
  }

  /** With what the server says beside what was signed. */
  summaryOf(
    stored: StoredRecording,
    said: RecordingFacts | null,
    closing: RecordingClosing | null,
  ): RecordingSummary {
    const { sessionUid, startedAtMs, sealedSize, keptUntilMs, holds } = stored;
    const until = keptUntilMs === 0n ? null : Number(keptUntilMs);
    const promised = this.#parts.keeping.promiseOf(said, closing);
    return {
      ...{ sessionUid: uidOf(sessionUid), storedAt: Number(startedAtMs), size: Number(sealedSize), said },
      kept: { until, early: promised !== null && until !== null && until < promised },
      holds: holds.map((hold) => this.#parts.keeping.holdOf(hold)),
    };
  }

  /** Throws `bad-signature`, `malformed`, `too-large` or `unsupported-version` for an opening that is not one. */
  async read(stored: StoredRecording): Promise<ReadStatements> {
    const opening = await verifyOpening(stored.opening);
    if (!equal(opening.sessionUid, stored.sessionUid))
      throw new ProtocolError('bad-signature', 'the opening of another recording');
    const closing = await closingOf(stored, opening);
    const pinned = await this.#pinned(opening);
    const facts = {
      ...this.#aboutRecord(opening),
      ...{ accountUid: uidOf(opening.accountUid), email: this.#parts.emailOf(uidOf(opening.accountUid)) },
      ...{ protocol: opening.protocol, startedAt: Number(opening.startedAtMs) },
      lengthMs: closing?.lengthMs ?? null,
      state: stateOf(stored, closing),
      reason: closing?.reason ?? '',
      ...tracksOf(opening),
      gateway: gatewayOf(opening, pinned),
    };
    return { opening, closing, facts, pinnedKey: pinned.key };
  }

  /** Of a signed opening: what it is of; null when no gateway signed it. */
  async titleOf(signed: Uint8Array): Promise<{ title: string; startedAt: number } | null> {
    try {
      const opening = await verifyOpening(signed);
      return { title: this.#aboutRecord(opening).title, startedAt: Number(opening.startedAtMs) };
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return null;
    }
  }

  #aboutRecord({ recordUid: bytes }: RecordingOpening) {
    const { book } = this.#parts;
    const recordUid = uidOf(bytes);
    const known = book.get(recordUid);
    const title = known?.entry?.title ?? '';
    const readable = known?.entry?.launchOnly === false;
    return { recordUid, title, readable, own: known !== null && book.isOwn(known) };
  }

  /** Of an own gateway by its configuration; of somebody else's machine by its launch card. */
  async #pinned(opening: RecordingOpening): Promise<Pinned> {
    const gatewayUid = uidOf(opening.gatewayUid);
    const known = (await this.#parts.gateways.known()).find(({ uid }) => uid === gatewayUid);
    const key = known?.pins.gatewayKey ?? (await this.#keyInCard(opening, gatewayUid));
    return { name: known?.name ?? '', key: key ? parseBase64url(key) : null };
  }

  async #keyInCard({ recordUid }: RecordingOpening, gatewayUid: Uid): Promise<string | null> {
    const { book } = this.#parts;
    const known = book.get(uidOf(recordUid));
    if (known === null || book.isOwn(known)) return null;
    try {
      const card = await book.launchCard(uidOf(recordUid));
      return card.gatewayUid === gatewayUid ? card.gatewayKey : null;
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      return null; // no card: nothing is known of its gateway
    }
  }
}

/** Null when there is none, and when no gateway signed it: then the state says so. */
async function closingOf(
  { closing }: StoredRecording,
  { gatewayKey, sessionUid }: RecordingOpening,
): Promise<RecordingClosing | null> {
  if (closing.length === 0) return null;
  try {
    const said = await verifyClosing(gatewayKey, closing);
    return equal(said.sessionUid, sessionUid) ? said : null;
  } catch (error) {
    if (toProtocolError(error) === null) throw error;
    return null;
  }
}

function stateOf(stored: StoredRecording, closing: RecordingClosing | null): RecordingFacts['state'] {
  if (closing === null) return stored.closing.length > 0 ? 'forged' : 'running';
  if (closing.reason === 'interrupted' || closing.reason === 'recording-failed') return closing.reason;
  return 'ended';
}

function tracksOf({ policy }: RecordingOpening) {
  const { graphical = false, text = false, keys = false, clipboard = false } = policy ?? {};
  return { graphical, text, keys, clipboard };
}

function gatewayOf({ gatewayUid, gatewayKey }: RecordingOpening, { name, key }: Pinned): RecordingGateway {
  const trust = key === null ? 'unknown' : equal(key, gatewayKey) ? 'pinned' : 'other';
  return { uid: uidOf(gatewayUid), name, key: trust, publicKey: encodeBase64url(key ?? gatewayKey) };
}
