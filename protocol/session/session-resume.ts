import { copy, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { ResumeRequestSchema, SignedResumeSchema } from '../messages/gen/command_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** Another peer connection for the sessions of a page that lost the former one. protocol.md §12.9. */
export interface ResumeOrder {
  /** Of the page's peer, whose connections these are. */
  readonly peerUid: Uid;
  /** SDP. */
  readonly offer: string;
  /** Rises with each try of the peer. */
  readonly attempt: number;
  /** 65 bytes, of the detour that this try may take; empty: it takes none. */
  readonly detourKey: Uint8Array;
}

/** What is signed: without a key, no detour is wanted. */
export type NewResumeOrder = Omit<ResumeOrder, 'detourKey'> & Partial<Pick<ResumeOrder, 'detourKey'>>;

/** Encoded SignedResume, by the key that this very session's connect request named. */
export async function signResume(signer: Signer, sessionUid: Uid, order: NewResumeOrder): Promise<Bytes> {
  const request = encodeMessage(ResumeRequestSchema, { ...order, peerUid: uidBytes(order.peerUid) });
  const signature = await signer.sign(signatureContexts.sessionResume, signedBytes(sessionUid, request));
  return encodeMessage(SignedResumeSchema, { request, signature });
}

/** What that key ordered for that session. Throws `malformed` or `bad-signature`. */
export function verifyResume(resumeKey: Bytes, sessionUid: Uid, encoded: Uint8Array): ResumeOrder {
  const { request, signature } = decodeMessage(SignedResumeSchema, encoded);
  verifySignature(
    resumeKey,
    signatureContexts.sessionResume,
    signedBytes(sessionUid, copy(request)),
    signature,
  );
  const { peerUid, offer, attempt, detourKey } = decodeMessage(ResumeRequestSchema, request);
  if (attempt < 1) throw new ProtocolError('malformed', 'attempts are counted from 1');
  return { peerUid: uidOf(peerUid), offer, attempt, detourKey };
}

function signedBytes(sessionUid: Uid, request: Bytes): Bytes {
  return encodeContext(sessionUid, request);
}
