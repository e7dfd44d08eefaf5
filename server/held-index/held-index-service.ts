import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { empty } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  FinishHeldIndexRequest,
  GetHeldIndexPartRequest,
  HeldIndexService,
  PutHeldIndexPartRequest,
} from '../../protocol/messages/gen/held-index_pb.js';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { requireEnvelope, storedNumber } from '../records/record-bounds.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import {
  beginStage,
  completeStage,
  findHeldIndex,
  readPart,
  requireStage,
  stagePart,
  type StagedPart,
} from './held-index-rows.ts';

const bounds = limits.heldIndex;

/** protocol.md §24. An account reads and replaces its own; two of them, held and staged, are the most that it has. */
export function heldIndexHandlers(db: Database): Handlers<typeof HeldIndexService> {
  async function describe(_: object, { session }: SignedInCall) {
    const held = await findHeldIndex(db, session.accountUid);
    if (held === null) return { generationUid: empty };
    const { generationUid, partCount, cursor } = held;
    return { generationUid: uidBytes(generationUid), partCount, cursor: BigInt(cursor) };
  }

  async function getPart({ generationUid, part }: GetHeldIndexPartRequest, { session }: SignedInCall) {
    if (part >= bounds.parts) throw new ProtocolError('not-found', 'no such part is held');
    return { sealed: await readPart(db, session.accountUid, uidOf(generationUid), part) };
  }

  async function putPart(input: PutHeldIndexPartRequest, { session, now }: SignedInCall) {
    const piece = checkPart(input);
    const { accountUid } = session;
    await db.transaction().execute(async (tx) => {
      if (piece.part === 0) await beginStage(tx, session, piece, now);
      else await requireStage(tx, accountUid, piece.generationUid, piece.partCount);
      await stagePart(tx, accountUid, piece, now);
    });
    return {};
  }

  async function finish(input: FinishHeldIndexRequest, { session }: SignedInCall) {
    const { accountUid } = session;
    const next = { generationUid: uidOf(input.generationUid), cursor: storedNumber(input.cursor) };
    const former = input.formerGenerationUid.length === 0 ? null : uidOf(input.formerGenerationUid);
    await db.transaction().execute(async (tx) => {
      await lockAccount(tx, accountUid);
      await completeStage(tx, accountUid, next, former);
    });
    return {};
  }

  return {
    describeHeldIndex: signedIn(describe),
    getHeldIndexPart: signedIn(getPart),
    putHeldIndexPart: signedIn(putPart),
    finishHeldIndex: signedIn(finish),
  };
}

/** Throws `malformed` or `too-large`. */
function checkPart({ generationUid, part, partCount, sealed }: PutHeldIndexPartRequest): StagedPart {
  if (partCount === 0 || part >= partCount) throw new ProtocolError('malformed', 'no such part');
  if (partCount > bounds.parts) throw new ProtocolError('too-large', 'the index is too large');
  requireEnvelope(sealed, bounds.part + envelopeOverhead);
  return { generationUid: uidOf(generationUid), part, partCount, sealed };
}
