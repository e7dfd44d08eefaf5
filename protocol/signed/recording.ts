import { equal, uint32, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignatureAside, type Signer } from '../crypto/ecdsa.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { sha256, sha256OfPublic } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical, decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import {
  RecordingClosingSchema,
  RecordingOpeningSchema,
  RecordingTrack,
  SignedRecordingStatementSchema,
  type RecordingChunk,
  type RecordingClosing,
  type RecordingOpening,
  type SignedRecordingStatement,
} from '../messages/gen/recording_pb.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { uidOf } from '../uid.ts';

const version = 1;
const chainLength = 32;
/** Codes of ends, as the wire has them elsewhere. */
const reasonShape = /^[a-z0-9-]{1,64}$/;
const protocolShape = /^[a-z0-9-]{1,32}$/;

const tracks: readonly RecordingTrack[] = [
  ...[RecordingTrack.GRAPHICAL, RecordingTrack.TEXT, RecordingTrack.KEYS, RecordingTrack.INDEX],
  RecordingTrack.PEOPLE,
];

/** Why a recording ended that has no last chunk: the gateway went down, or its recorder gave up. */
export const unfinishedReasons: readonly string[] = ['interrupted', 'recording-failed'];

/** What of a chunk is in clear; all of it is signed, and bound into its envelope. */
export type ChunkHeader = Pick<
  RecordingChunk,
  'sessionUid' | 'index' | 'track' | 'startMs' | 'endMs' | 'keyFrame' | 'final'
>;

/** An opening as its gateway signed it: encoded SignedRecordingStatement. protocol.md §25.2. */
export async function signOpening(
  device: Signer,
  opening: Omit<MessageInitShape<typeof RecordingOpeningSchema>, 'version' | 'gatewayKey' | '$typeName'>,
): Promise<Bytes> {
  const said = { ...opening, version, gatewayKey: device.publicKey };
  const statement = encodeMessage(RecordingOpeningSchema, said);
  const signature = await device.sign(signatureContexts.recordingOpening, statement);
  return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
}

/**
 * What an opening says, and by which key: that this key is the gateway's, somebody else must know. Throws `malformed`,
 * `too-large`, `unsupported-version`, or `bad-signature`.
 */
export async function verifyOpening(signed: Uint8Array): Promise<RecordingOpening> {
  const { statement, signature } = parseSigned(signed);
  const opening = parseOpening(statement);
  await verifySignatureAside(opening.gatewayKey, signatureContexts.recordingOpening, statement, signature);
  return opening;
}

/** There is one encoding of what was said, and it is small. */
function parseSigned(signed: Uint8Array): SignedRecordingStatement {
  if (signed.length > limits.recording.statement) throw new ProtocolError('too-large');
  return decodeCanonical(SignedRecordingStatementSchema, signed);
}

/** An unverified opening. Throws `malformed` or `unsupported-version`. */
export function parseOpening(statement: Uint8Array): RecordingOpening {
  const opening = decodeCanonical(RecordingOpeningSchema, statement);
  if (opening.version !== version) throw new ProtocolError('unsupported-version');
  const { sessionUid, recordUid, accountUid, gatewayUid, applicationUid, ownerUid } = opening;
  for (const uid of [sessionUid, recordUid, accountUid, gatewayUid, applicationUid, ownerUid]) uidOf(uid);
  checkPublicKey(opening.gatewayKey);
  const { policy } = opening;
  if (!policy || !(policy.graphical || policy.text || policy.keys))
    throw new ProtocolError('malformed', 'the recording has no track');
  if (!protocolShape.test(opening.protocol) || opening.wrappedKey.length > limits.recording.wrappedKey)
    throw new ProtocolError('malformed', 'not the opening of a recording');
  return opening;
}

/** Where the chain begins: with the signed opening, so that no chunk fits another one. protocol.md §25.4. */
export function chainOfOpening(signed: Uint8Array): Bytes {
  return sha256(encodeContext('opening', decodeMessage(SignedRecordingStatementSchema, signed).statement));
}

/** Bytes that a chunk's envelope is bound to, beside its session. */
export function encodeHeader(header: ChunkHeader): Bytes {
  const flags = (header.keyFrame ? 1 : 0) | (header.final ? 2 : 0);
  const { index, track, startMs, endMs } = header;
  return encodeContext(
    header.sessionUid,
    uint32(index),
    Uint8Array.of(track, flags),
    uint32(startMs),
    uint32(endMs),
  );
}

/** What is signed of a chunk; its SHA-256 is the chain after it. */
function linkOf(chunk: Omit<RecordingChunk, 'signature' | '$typeName'>): Bytes {
  return encodeContext(chunk.previous, encodeHeader(chunk), sha256OfPublic(chunk.sealed));
}

/** The chain after this chunk. */
export function chainAfter(chunk: Omit<RecordingChunk, 'signature' | '$typeName'>): Bytes {
  return sha256(linkOf(chunk));
}

/** 64 bytes over the chunk and everything before it. */
export async function signChunk(
  device: Signer,
  chunk: Omit<RecordingChunk, 'signature' | '$typeName'>,
): Promise<Bytes> {
  return (await linkChunk(device, chunk)).signature;
}

/** The same, and the chain after it: what is sealed is hashed once. */
export async function linkChunk(
  device: Signer,
  chunk: Omit<RecordingChunk, 'signature' | '$typeName'>,
): Promise<{ readonly signature: Bytes; readonly chain: Bytes }> {
  const link = linkOf(chunk);
  return { signature: await device.sign(signatureContexts.recordingChunk, link), chain: sha256(link) };
}

/** Throws `malformed` for what is no chunk, `bad-signature` unless that gateway made it. */
export async function verifyChunk(gatewayKey: Uint8Array, chunk: RecordingChunk): Promise<void> {
  requireChunk(chunk);
  await verifySignatureAside(gatewayKey, signatureContexts.recordingChunk, linkOf(chunk), chunk.signature);
}

function requireChunk({ sessionUid, index, track, startMs, endMs, previous, sealed }: RecordingChunk): void {
  uidOf(sessionUid);
  if (
    !tracks.includes(track) ||
    index >= limits.recording.chunks ||
    endMs < startMs ||
    previous.length !== chainLength
  )
    throw new ProtocolError('malformed', 'not a chunk of a recording');
  if (sealed.length > limits.recording.sealedChunk) throw new ProtocolError('too-large');
}

/** A closing as its gateway signed it: encoded SignedRecordingStatement. */
export async function signClosing(
  device: Signer,
  closing: MessageInitShape<typeof RecordingClosingSchema>,
): Promise<Bytes> {
  const statement = encodeMessage(RecordingClosingSchema, closing);
  const signature = await device.sign(signatureContexts.recordingClosing, statement);
  return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
}

/** Throws `malformed`, `too-large`, or `bad-signature` unless that gateway closed a recording so. */
export async function verifyClosing(gatewayKey: Uint8Array, signed: Uint8Array): Promise<RecordingClosing> {
  const { statement, signature } = parseSigned(signed);
  const closing = parseClosing(statement);
  await verifySignatureAside(gatewayKey, signatureContexts.recordingClosing, statement, signature);
  return closing;
}

/** An unverified closing. Throws `malformed`. */
export function parseClosing(statement: Uint8Array): RecordingClosing {
  const closing = decodeCanonical(RecordingClosingSchema, statement);
  uidOf(closing.sessionUid);
  if (closing.chain.length !== chainLength || !reasonShape.test(closing.reason))
    throw new ProtocolError('malformed', 'not the closing of a recording');
  return closing;
}

/** Whether a closing is of exactly these chunks. */
export function closes(
  closing: RecordingClosing,
  { sessionUid, count, chain }: { sessionUid: Uint8Array; count: number; chain: Uint8Array },
): boolean {
  return equal(closing.sessionUid, sessionUid) && closing.chunkCount === count && equal(closing.chain, chain);
}
