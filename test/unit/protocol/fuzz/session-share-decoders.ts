import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../../protocol/crypto/ecdsa.ts';
import { signatureContexts } from '../../../../protocol/crypto/labels.ts';
import { encodeContext } from '../../../../protocol/crypto/context.ts';
import { sealToPublicKey } from '../../../../protocol/crypto/ecies.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import * as sessionLog from '../../../../protocol/messages/gen/session-log_pb.js';
import * as sessionPolicy from '../../../../protocol/messages/gen/session-policy_pb.js';
import * as sessionShare from '../../../../protocol/messages/gen/session-share_pb.js';
import {
  openSessionInvitation,
  sealSessionInvitation,
} from '../../../../protocol/session/session-invitation.ts';
import {
  parseSessionPolicy,
  signSessionPolicy,
  verifySessionPolicy,
} from '../../../../protocol/signed/session-policy.ts';
import { newUid, uidBytes } from '../../../../protocol/uid.ts';
import type { Decoder } from './decoders.ts';

const [guest, device] = [generateEcdhKeyPair(), generateEcdhKeyPair()];
const host = signerOf(generateEcdhKeyPair().privateKey);
const ends = { shareUid: newUid(), hostUid: newUid(), guestUid: newUid() };
const terms = { typing: true, untilMs: 1_800_000_000_000, title: 'build host' };
const keys = { gatewayKey: device.publicKey, secret: new Uint8Array(32).fill(7) };
const invitation = { shareUid: ends.shareUid, gatewayUid: newUid(), ...terms, ...keys };
const plain = encodeMessage(sessionShare.SessionInvitationSchema, {
  ...{ ...terms, ...keys, untilMs: BigInt(terms.untilMs) },
  ...{ shareUid: uidBytes(invitation.shareUid), gatewayUid: uidBytes(invitation.gatewayUid) },
});

/** As a host could make it who means harm: everything but the content is right. */
async function openSigned(bytes: Uint8Array): Promise<unknown> {
  const { sessionInvitation: context } = signatureContexts;
  const signature = await host.sign(context, encodeContext(ends.guestUid, bytes));
  const signed = encodeMessage(sessionShare.SignedSessionInvitationSchema, { invitation: bytes, signature });
  const objects = [ends.shareUid, ends.hostUid, ends.guestUid];
  const sealed = await sealToPublicKey(guest.publicKey, 'session-invitation', objects, signed);
  return await openSessionInvitation(guest, host.publicKey, ends, sealed);
}

const policy = {
  ...{ gatewayUid: newUid(), gatewayKey: device.publicKey, ownerUid: ends.hostUid, version: 3 },
  overseers: [{ accountUid: ends.guestUid, signingKey: guest.publicKey, watch: true, end: true }],
  ...{ silent: true, listedEndOnly: true, signedAtMs: 1_800_000_000_000, gatewayName: 'Office' },
};
const signedPolicy = await signSessionPolicy(host, policy);
const plainPolicy = decodeMessage(sessionPolicy.SignedSessionPolicySchema, signedPolicy).policy;

/** As an owner could make it who means harm: everything but the content is right. */
async function verifySigned(bytes: Uint8Array): Promise<unknown> {
  const signature = await host.sign(signatureContexts.sessionPolicy, bytes);
  const signed = encodeMessage(sessionPolicy.SignedSessionPolicySchema, { policy: bytes, signature });
  return verifySessionPolicy(host.publicKey, signed);
}

export const sessionShareDecoders: readonly Decoder<Uint8Array>[] = [
  ...Object.values({ ...sessionShare, ...sessionPolicy, ...sessionLog }).flatMap((desc) =>
    typeof desc === 'object' && 'kind' in desc && desc.kind === 'message'
      ? [
          {
            name: `message ${desc.name}`,
            valid: [plain, plainPolicy],
            decode: (bytes: Uint8Array) => decodeMessage(desc, bytes),
          },
        ]
      : [],
  ),
  {
    name: 'sealed invitation to a session',
    valid: [await sealSessionInvitation(host, guest.publicKey, ends, invitation)],
    decode: (bytes) => openSessionInvitation(guest, host.publicKey, ends, bytes),
    cost: 5,
  },
  { name: 'policy for sessions', valid: [signedPolicy], decode: (bytes) => parseSessionPolicy(bytes) },
  { name: 'policy that an owner signed', valid: [plainPolicy], decode: verifySigned, cost: 5 },
  { name: 'invitation that a host signed', valid: [plain], decode: openSigned, cost: 20 },
];
