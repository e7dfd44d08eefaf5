import { ProtocolError } from '../../protocol/errors.ts';
import type {
  PasskeyAnswer,
  PasskeyCreation,
  PasskeyRequest,
  WebAuthnAnswer,
  WebAuthnAttestation,
  WebAuthnCreation,
  WebAuthnRequest,
} from '../../workers/api.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Of ES256, EdDSA and RS256, which every authenticator has one of. */
const algorithms = [-7, -8, -257] as const;
const timeoutMs = 4 * 60_000;

/** The authenticator can sign, but it has no secret that a vault could be opened with. */
export class NoPasskeySecret extends Error {
  constructor() {
    super('this authenticator cannot open a vault');
    this.name = 'no-passkey-secret';
  }
}

/** Browsers make credentials for names only, and have them only where the page itself came safely. */
export function canUseWebAuthn(): boolean {
  const isAddress = /^\[|^[\d.]+$/.test(location.hostname);
  return !isAddress && 'PublicKeyCredential' in window;
}

/** Asks a passkey, with the person verified. Throws `cancelled`, or NoPasskeySecret. */
export async function askPasskey(request: PasskeyRequest, signal: AbortSignal): Promise<PasskeyAnswer> {
  const credential = await get(request, 'required', prfOf(request.input), signal);
  const prf = prfResult(credential);
  if (prf === null) throw new NoPasskeySecret();
  return { ...answerOf(credential), prf };
}

/** Asks a security key. Throws `cancelled`. */
export async function askSecurityKey(request: WebAuthnRequest, signal: AbortSignal): Promise<WebAuthnAnswer> {
  return answerOf(await get(request, 'discouraged', {}, signal));
}

/** Throws `cancelled`, `conflict` for one that the account has already, or NoPasskeySecret. */
export async function createPasskey(
  creation: PasskeyCreation,
  signal: AbortSignal,
): Promise<WebAuthnAttestation & { readonly prf: Bytes }> {
  const selection = { residentKey: 'required', userVerification: 'required' } as const;
  const credential = await create(creation, selection, prfOf(creation.input), signal);
  const attestation = attestationOf(credential);
  if (!credential.getClientExtensionResults().prf?.enabled) throw new NoPasskeySecret();
  // Many authenticators give their secret only when they sign: then the new passkey is asked once more.
  const prf = prfResult(credential) ?? (await askSecret(attestation.credentialId, creation.input, signal));
  return { ...attestation, prf };
}

/** Throws `cancelled`, or `conflict` for one that the account has already. */
export async function createSecurityKey(
  creation: WebAuthnCreation,
  signal: AbortSignal,
): Promise<WebAuthnAttestation> {
  const selection = { residentKey: 'discouraged', userVerification: 'discouraged' } as const;
  return attestationOf(await create(creation, selection, {}, signal));
}

async function askSecret(credentialId: Bytes, input: Bytes, signal: AbortSignal): Promise<Bytes> {
  const challenge = crypto.getRandomValues(new Uint8Array(32)); // nobody looks at the signature
  const { prf } = await askPasskey({ challenge, credentialIds: [credentialId], input }, signal);
  return prf;
}

async function get(
  { challenge, credentialIds }: WebAuthnRequest,
  userVerification: UserVerificationRequirement,
  extensions: AuthenticationExtensionsClientInputs,
  signal: AbortSignal,
): Promise<PublicKeyCredential> {
  const allowCredentials = credentialIds.map((id) => ({ type: 'public-key', id }) as const);
  const publicKey = { challenge, allowCredentials, userVerification, extensions, timeout: timeoutMs };
  return await ceremony(() => navigator.credentials.get({ publicKey, signal }));
}

async function create(
  { challenge, userId, userName, existingIds }: WebAuthnCreation,
  authenticatorSelection: AuthenticatorSelectionCriteria,
  extensions: AuthenticationExtensionsClientInputs,
  signal: AbortSignal,
): Promise<PublicKeyCredential> {
  const publicKey: PublicKeyCredentialCreationOptions = {
    rp: { name: 'Sallyport' },
    user: { id: userId, name: userName, displayName: userName },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    excludeCredentials: existingIds.map((id) => ({ type: 'public-key', id })),
    attestation: 'none',
    timeout: timeoutMs,
    authenticatorSelection,
    extensions,
  };
  return await ceremony(() => navigator.credentials.create({ publicKey, signal }));
}

async function ceremony(run: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await run();
    if (credential instanceof PublicKeyCredential) return credential;
    throw new ProtocolError('cancelled', 'nothing was chosen');
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (error.name === 'InvalidStateError') throw new ProtocolError('conflict', 'registered already');
    if (error.name === 'NotAllowedError' || error.name === 'AbortError')
      throw new ProtocolError('cancelled', 'the browser or the person stopped it');
    throw error;
  }
}

function answerOf({ rawId, response }: PublicKeyCredential): WebAuthnAnswer {
  if (!(response instanceof AuthenticatorAssertionResponse)) throw new TypeError('not an assertion');
  return {
    credentialId: new Uint8Array(rawId),
    clientData: new Uint8Array(response.clientDataJSON),
    authenticatorData: new Uint8Array(response.authenticatorData),
    signature: new Uint8Array(response.signature),
  };
}

function attestationOf({ rawId, response }: PublicKeyCredential): WebAuthnAttestation {
  if (!(response instanceof AuthenticatorAttestationResponse)) throw new TypeError('not an attestation');
  return {
    credentialId: new Uint8Array(rawId),
    clientData: new Uint8Array(response.clientDataJSON),
    attestation: new Uint8Array(response.attestationObject),
  };
}

const prfOf = (input: Bytes): AuthenticationExtensionsClientInputs => ({ prf: { eval: { first: input } } });

/** A copy of its own, to be wiped by whoever hands it over. */
function prfResult(credential: PublicKeyCredential): Bytes | null {
  const first = credential.getClientExtensionResults().prf?.results?.first;
  if (first === undefined) return null;
  return ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength).slice()
    : new Uint8Array(first);
}
