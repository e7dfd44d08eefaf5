import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import type { Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { RecordingKeepingSchema, SignedRecordingStatementSchema } from '../messages/gen/recording_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

const version = 1;

/** How an organisation keeps its recordings, in its administrators' words. protocol.md §30.1. */
export interface RecordingKeeping {
  readonly organisationUid: Uid;
  /** From 1; each change is one more. */
  readonly revision: number;
  /** Days after a recording's end; 0: as long as the server keeps any. */
  readonly days: number;
  /** Bytes of all recordings of the organisation; 0: no bound of its own. */
  readonly mostBytes: number;
  /** When there is no room the oldest go; otherwise nothing more is taken. */
  readonly removeOldest: boolean;
  /** By the administrator's clock, milliseconds since 1970. */
  readonly decidedAt: number;
}

/** By the organisation's signing key: encoded SignedRecordingStatement. Throws `malformed` for what nobody may set. */
export async function signKeeping(organisation: Signer, keeping: RecordingKeeping): Promise<Bytes> {
  const { organisationUid, revision, days, mostBytes, removeOldest, decidedAt } = keeping;
  const statement = encodeMessage(RecordingKeepingSchema, {
    ...{ version, organisationUid: uidBytes(organisationUid), revision: BigInt(revision), days },
    ...{ mostBytes: BigInt(mostBytes), removeOldest, decidedAtMs: BigInt(decidedAt) },
  });
  parseStatement(statement);
  const signature = await organisation.sign(signatureContexts.recordingKeeping, statement);
  return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
}

/**
 * What that organisation's administrators set. Throws `malformed`, `too-large`, `unsupported-version`, and `bad-signature`
 * unless its key signed it for this organisation.
 */
export function verifyKeeping(
  organisation: { readonly uid: Uid; readonly publicKey: Uint8Array },
  signed: Uint8Array,
): RecordingKeeping {
  if (signed.length > limits.recording.statement) throw new ProtocolError('too-large');
  const { statement, signature } = decodeCanonical(SignedRecordingStatementSchema, signed);
  const keeping = parseStatement(statement);
  verifySignature(organisation.publicKey, signatureContexts.recordingKeeping, statement, signature);
  if (keeping.organisationUid !== organisation.uid)
    throw new ProtocolError('bad-signature', 'settings of another organisation');
  return keeping;
}

function parseStatement(statement: Uint8Array): RecordingKeeping {
  const said = decodeCanonical(RecordingKeepingSchema, statement);
  if (said.version !== version) throw new ProtocolError('unsupported-version');
  const { keptDays, keptBytes } = limits.recording;
  const [revision, mostBytes, decidedAt] = [said.revision, said.mostBytes, said.decidedAtMs].map(Number);
  const known =
    said.revision >= 1n &&
    Number.isSafeInteger(revision) &&
    said.days <= keptDays &&
    said.mostBytes <= BigInt(keptBytes) &&
    said.decidedAtMs >= 0n &&
    Number.isSafeInteger(decidedAt);
  if (!known) throw new ProtocolError('malformed', 'not how recordings are kept');
  return {
    ...{ organisationUid: uidOf(said.organisationUid), days: said.days, removeOldest: said.removeOldest },
    ...{ revision: revision ?? 0, mostBytes: mostBytes ?? 0, decidedAt: decidedAt ?? 0 },
  };
}
