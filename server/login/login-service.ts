// The calls of a login. What an account is opened with leaves after the last step (login-steps.ts). protocol.md §8.
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type {
  AwaitApprovalRequest,
  CancelLoginRequest,
  CompleteLoginRequest,
  Device,
  FinishLoginRequest,
  FinishPasskeyLoginRequest,
  StartLoginRequest,
} from '../../protocol/messages/gen/account_pb.js';
import { verifyDeviceProof } from '../../protocol/signed/device-proof.ts';
import { uidBytes } from '../../protocol/uid.ts';
import { open, type Call } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import type { Database } from '../store/database.ts';
import { findFactor, type FoundFactor } from './accounts.ts';
import { checkDevice, type NewDevice } from './bundle.ts';
import { normaliseEmail } from './email.ts';
import type { LoginAnswer, LoginSteps } from './login-steps.ts';
import { requireFactor, type KnownFactor, type Opaque } from './opaque.ts';
import { usePasskey } from './passkeys.ts';
import { PendingTable, type PendingBounds } from './pending-table.ts';
import type { LoginThrottle } from './throttle.ts';
import { relyingPartyOf, requireParty, type RelyingParty } from './webauthn.ts';

export interface LoginServiceParts {
  readonly db: Database;
  readonly opaque: Opaque;
  readonly publicUrl: string | null;
  readonly throttle: LoginThrottle;
  readonly steps: LoginSteps;
}

/**
 * Between the two halves: one key derivation on a slow device. An address gets no further than 120 in that time
 * (throttle.ts); this holds when it is given a wider rate.
 */
export const halfwayBounds: PendingBounds = { lifetimeMs: 2 * 60_000, most: 10_000, mostOfCaller: 200 };
/** A person looks for the right passkey, or for a finger. */
const ceremonyBounds: PendingBounds = { lifetimeMs: 5 * 60_000, most: 10_000, mostOfCaller: 300 };

interface PendingLogin {
  readonly email: string;
  /** Null for an account that does not exist. */
  readonly found: FoundFactor | null;
  readonly factor: KnownFactor;
  readonly state: string;
}

interface PendingPasskeyLogin {
  readonly challenge: Uint8Array;
  readonly party: RelyingParty;
}

export function loginHandlers({ db, opaque, publicUrl, throttle, steps }: LoginServiceParts) {
  const logins = new PendingTable<PendingLogin>(halfwayBounds);
  const passkeyLogins = new PendingTable<PendingPasskeyLogin>(ceremonyBounds);

  /** The same work and the same shape of answer, whether the account exists or not (attack class 19). */
  async function startLogin(input: StartLoginRequest, { address, now }: Call) {
    const email = normaliseEmail(input.email);
    const factor = requireFactor(input.factor);
    throttle.attempt(email, address, now);
    const found = await findFactor(db, email, factor);
    const { state, response } = opaque.startLogin(email, factor, found?.record ?? null, input.loginRequest);
    const pending = { email, factor, state, found };
    return { loginUid: logins.add(pending, networkOf(address), now), loginResponse: response };
  }

  async function finishLogin(input: FinishLoginRequest, call: Call): Promise<LoginAnswer> {
    const pending = logins.take(input.loginUid, call.now);
    if (!pending) throw new ProtocolError('login-refused', 'email or password is wrong');
    opaque.finishLogin(pending.state, input.loginFinish);
    const { found, factor, email } = pending;
    if (!found) throw new ProtocolError('login-refused', 'email or password is wrong');
    const device = provenDevice('FinishLogin', input);
    throttle.succeeded(email, call.address);
    const proof = { kind: 'opaque', factor, ...found } as const;
    const party = relyingPartyOf(publicUrl, call.host);
    return await steps.afterFirstFactor({ proof, device, trust: false }, party, call);
  }

  async function startPasskeyLogin(_input: unknown, { address, now, host }: Call) {
    throttle.attemptFrom(address, now);
    const party = requireParty(relyingPartyOf(publicUrl, host));
    const challenge = randomBytes(32);
    return { loginUid: passkeyLogins.add({ challenge, party }, networkOf(address), now), challenge };
  }

  /** A passkey with user verification is something one has and something one is or knows: both factors. */
  async function finishPasskeyLogin(input: FinishPasskeyLoginRequest, call: Call): Promise<LoginAnswer> {
    const pending = passkeyLogins.take(input.loginUid, call.now);
    if (!pending) throw new ProtocolError('expired', 'the login took too long');
    if (!input.assertion) throw new ProtocolError('malformed', 'no assertion');
    const passkey = await usePasskey(db, input.assertion, { ...pending, now: call.now });
    const device = provenDevice('FinishPasskeyLogin', input);
    throttle.succeededFrom(call.address);
    const proof = { kind: 'passkey', ...passkey } as const;
    return await steps.afterEveryFactor({ proof, device, trust: false }, call);
  }

  async function completeLogin(input: CompleteLoginRequest, call: Call): Promise<LoginAnswer> {
    const asked = steps.findAsked(input.loginUid, call.now);
    requireProof('CompleteLogin', asked.device, input);
    const { answer, trustDevice: trust } = input;
    return await steps.complete(input.loginUid, asked, { answer, trust }, call);
  }

  async function awaitApproval(input: AwaitApprovalRequest, call: Call): Promise<LoginAnswer> {
    const waiting = steps.findWaiting(input.loginUid, call.now);
    requireProof('AwaitApproval', waiting.device, input);
    return await steps.awaitApproval(input.loginUid, waiting, call);
  }

  /** Whoever knows the login's UID began it. */
  async function cancelLogin(input: CancelLoginRequest, { now }: Call) {
    await steps.cancel(input.loginUid, now);
    return {};
  }

  return {
    startLogin: open(startLogin),
    finishLogin: open(finishLogin),
    completeLogin: open(completeLogin),
    startPasskeyLogin: open(startPasskeyLogin),
    finishPasskeyLogin: open(finishPasskeyLogin),
    awaitApproval: open(awaitApproval),
    cancelLogin: open(cancelLogin),
  };
}

interface Proving {
  readonly loginUid: Uint8Array;
  readonly deviceProof: Uint8Array;
}

/** The device, which has just shown that it has its key. Throws `malformed` or `bad-signature`. */
function provenDevice(method: string, input: Proving & { readonly device?: Device | undefined }): NewDevice {
  const device = checkDevice(input.device);
  requireProof(method, device, input);
  return device;
}

function requireProof(method: string, device: NewDevice, { loginUid, deviceProof }: Proving): void {
  const proof = { method: `AccountService/${method}`, loginUid, deviceUid: uidBytes(device.deviceUid) };
  verifyDeviceProof(device.publicKey, proof, deviceProof);
}
