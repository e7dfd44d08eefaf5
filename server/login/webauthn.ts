// The server's half of WebAuthn (Level 3): was this made for us, for this challenge, by that credential.
import { isIP } from 'node:net';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { decodeAttestationObject } from '@simplewebauthn/server/helpers';
import { copy, encodeBase64url } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { WebAuthnAssertion, WebAuthnAttestation } from '../../protocol/messages/gen/webauthn_pb.js';

/** Whom credentials are made for. */
export interface RelyingParty {
  readonly id: string;
  readonly origins: string[];
}

/** A credential as the store has it. */
export interface Credential {
  readonly id: Uint8Array;
  /** COSE. */
  readonly publicKey: Uint8Array;
  readonly signCount: number;
}

/** Of ES256, EdDSA and RS256, which every authenticator has one of. */
const algorithms = [-7, -8, -257];
/** WebAuthn §5.8.1 and §6.1: far more than any authenticator makes. */
const mostBytes = 16 * 1024;

/**
 * The party that pages of this server act for: the public address, else the name that the request was sent to. Null for
 * a bare IP address, which WebAuthn knows no credentials for.
 */
export function relyingPartyOf(publicUrl: string | null, host: string): RelyingParty | null {
  if (publicUrl !== null) return partyOf(new URL(publicUrl), [publicUrl]);
  const text = `https://${host}`;
  if (!URL.canParse(text)) return null;
  return partyOf(new URL(text), [text, `http://${host}`]); // http: localhost, or a proxy that does TLS in front of us
}

function partyOf({ hostname }: URL, origins: string[]): RelyingParty | null {
  const isAddress = hostname.startsWith('[') || isIP(hostname) !== 0;
  return isAddress ? null : { id: hostname, origins };
}

/** Throws `not-allowed`. */
export function requireParty(party: RelyingParty | null): RelyingParty {
  if (!party) throw new ProtocolError('not-allowed', 'passkeys and security keys need a host name');
  return party;
}

/** The new credential of a registration. Throws `login-refused` whatever the cause. */
export async function verifyAttestation(
  attestation: WebAuthnAttestation | undefined,
  expected: { party: RelyingParty; challenge: Uint8Array; userVerification: boolean },
): Promise<Credential> {
  if (!attestation) throw new ProtocolError('malformed', 'no attestation');
  const { credentialId, clientDataJson, attestationObject } = attestation;
  requireSmall(credentialId, clientDataJson, attestationObject);
  const id = encodeBase64url(credentialId);
  const response = {
    clientDataJSON: encodeBase64url(clientDataJson),
    attestationObject: encodeBase64url(attestationObject),
  };
  const verified = await orRefused(async () => {
    requireNoCertificates(attestationObject);
    return await verifyRegistrationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
      expectedChallenge: encodeBase64url(expected.challenge),
      expectedOrigin: expected.party.origins,
      expectedRPID: expected.party.id,
      requireUserVerification: expected.userVerification,
      supportedAlgorithmIDs: algorithms,
    });
  });
  if (!verified.verified || verified.registrationInfo.credential.id !== id) throw refused();
  const { publicKey, counter } = verified.registrationInfo.credential;
  return { id: copy(credentialId), publicKey, signCount: counter };
}

/** The credential's new signature count. Throws `login-refused` whatever the cause. */
export async function verifyAssertion(
  assertion: WebAuthnAssertion,
  credential: Credential,
  expected: { party: RelyingParty; challenge: Uint8Array; userVerification: boolean },
): Promise<number> {
  const { credentialId, clientDataJson, authenticatorData, signature } = assertion;
  requireSmall(credentialId, clientDataJson, authenticatorData, signature);
  const id = encodeBase64url(credentialId);
  const response = {
    clientDataJSON: encodeBase64url(clientDataJson),
    authenticatorData: encodeBase64url(authenticatorData),
    signature: encodeBase64url(signature),
  };
  const { verified, authenticationInfo } = await orRefused(() =>
    verifyAuthenticationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
      expectedChallenge: encodeBase64url(expected.challenge),
      expectedOrigin: expected.party.origins,
      expectedRPID: expected.party.id,
      credential: {
        id: encodeBase64url(credential.id),
        publicKey: copy(credential.publicKey),
        counter: credential.signCount,
      },
      requireUserVerification: expected.userVerification,
    }),
  );
  if (!verified || authenticationInfo.credentialID !== id) throw refused();
  return authenticationInfo.newCounter;
}

/**
 * Pages ask for no attestation, so an honest one names no maker. Certificates are refused unread: to check them, one
 * would have to fetch what they point to, and anyone can make one that points anywhere.
 */
function requireNoCertificates(attestationObject: Uint8Array): void {
  const decoded = decodeAttestationObject(copy(attestationObject));
  const format = decoded.get('fmt');
  if (format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)) return;
  throw refused();
}

function requireSmall(...parts: readonly Uint8Array[]): void {
  if (parts.some(({ length }) => length === 0 || length > mostBytes))
    throw new ProtocolError('malformed', 'not an answer of an authenticator');
}

function refused(): ProtocolError {
  return new ProtocolError('login-refused', 'the passkey or security key was not accepted');
}

async function orRefused<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch {
    throw refused();
  }
}
