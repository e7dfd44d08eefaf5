import { copy, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { checkPublicKey, type EcdhKeyPair } from '../crypto/ecdh.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../crypto/ecies.ts';
import { purposes, signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { SessionInvitationSchema, SignedSessionInvitationSchema } from '../messages/gen/session-share_pb.js';
import { shortLine } from '../shown-line.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** A place in somebody's live session, as the guest gets it from the host. protocol.md §28. */
export interface SessionInvitation {
  readonly shareUid: Uid;
  readonly gatewayUid: Uid;
  /** 65 bytes: of the gateway's device, as the host has it pinned. */
  readonly gatewayKey: Bytes;
  /** 32 bytes: what a join is sealed under. */
  readonly secret: Bytes;
  /** What the guest does reaches the machine; else they look on. */
  readonly typing: boolean;
  readonly untilMs: number;
  /** What the host calls the machine. */
  readonly title: string;
}

/** From whom to whom. */
export interface InvitationEnds {
  readonly shareUid: Uid;
  readonly hostUid: Uid;
  readonly guestUid: Uid;
}

/** Signed by the host and sealed to the guest: who relays it reads and changes nothing. */
export async function sealSessionInvitation(
  host: Signer,
  guestEcdhKey: Bytes,
  ends: InvitationEnds,
  invitation: SessionInvitation,
): Promise<Bytes> {
  const bytes = encodeMessage(SessionInvitationSchema, {
    ...{ gatewayKey: invitation.gatewayKey, secret: invitation.secret, typing: invitation.typing },
    shareUid: uidBytes(invitation.shareUid),
    gatewayUid: uidBytes(invitation.gatewayUid),
    untilMs: BigInt(invitation.untilMs),
    title: shortTitle(invitation.title),
  });
  const signature = await host.sign(signatureContexts.sessionInvitation, signedBytes(ends, bytes));
  const signed = encodeMessage(SignedSessionInvitationSchema, { invitation: bytes, signature });
  return await sealToPublicKey(guestEcdhKey, purposes.sessionInvitation, objectsOf(ends), signed);
}

/** Inverse of {@link sealSessionInvitation}. Throws `open-failed`, `bad-signature` or `malformed`. */
export async function openSessionInvitation(
  guest: Pick<EcdhKeyPair, 'privateKey' | 'publicKey'>,
  hostSigningKey: Uint8Array,
  ends: InvitationEnds,
  sealed: Uint8Array,
): Promise<SessionInvitation> {
  if (sealed.length > limits.sessionShares.sealed) throw new ProtocolError('too-large');
  const opened = await openWithPrivateKey(guest, purposes.sessionInvitation, objectsOf(ends), sealed);
  const { signature, ...signed } = decodeMessage(SignedSessionInvitationSchema, opened);
  const bytes = copy(signed.invitation);
  verifySignature(hostSigningKey, signatureContexts.sessionInvitation, signedBytes(ends, bytes), signature);
  const { secret, gatewayKey, typing, title, ...message } = decodeMessage(SessionInvitationSchema, bytes);
  const untilMs = Number(message.untilMs);
  checkPublicKey(gatewayKey);
  if (uidOf(message.shareUid) !== ends.shareUid || secret.length !== 32 || !Number.isSafeInteger(untilMs))
    throw new ProtocolError('malformed', 'not an invitation to that session');
  if (title !== shortTitle(title)) throw new ProtocolError('malformed', 'not the title of a machine');
  const gatewayUid = uidOf(message.gatewayUid);
  const { shareUid } = ends;
  return {
    ...{ shareUid, gatewayUid, untilMs, typing, title },
    ...{ gatewayKey: copy(gatewayKey), secret: copy(secret) },
  };
}

function shortTitle(title: string): string {
  return shortLine(title, limits.sessionShares.title);
}

function signedBytes({ guestUid }: InvitationEnds, invitation: Bytes): Bytes {
  return encodeContext(guestUid, invitation);
}

function objectsOf({ shareUid, hostUid, guestUid }: InvitationEnds): readonly string[] {
  return [shareUid, hostUid, guestUid];
}
