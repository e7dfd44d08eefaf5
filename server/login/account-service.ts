import type { MessageInitShape } from '@bufbuild/protobuf';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  LoginFactor,
  type AccountService,
  type FinishLoginRequest,
  type FinishLoginResponseSchema,
  type FinishPasswordChangeRequest,
  type FinishRegistrationRequest,
  type LogoutRequest,
  type StartLoginRequest,
  type StartPasswordChangeRequest,
  type StartRegistrationRequest,
} from '../../protocol/messages/gen/account_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { open, signedIn, type Call, type Handlers, type SignedInCall } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { createSession, endSessions } from '../api/sessions.ts';
import type { Logger } from '../log/logger.ts';
import type { Head } from '../router/head/head.ts';
import type { Database, Tx } from '../store/database.ts';
import {
  findFactor,
  hasAccounts,
  holdFactor,
  insertAccount,
  lockAccountCreation,
  putDevice,
  readBundles,
  type FoundFactor,
} from './accounts.ts';
import { checkDevice, checkOpaqueRecord, checkRegistration, checkSealedKey } from './bundle.ts';
import { normaliseEmail } from './email.ts';
import { requireFactor, type KnownFactor, type Opaque } from './opaque.ts';
import { PendingTable, type PendingBounds } from './pending-table.ts';
import { eraseSetupToken, isSetupToken } from './setup-token.ts';
import { LoginThrottle, type LoginRates } from './throttle.ts';

export interface AccountParts {
  readonly db: Database;
  readonly opaque: Opaque;
  readonly head: Head;
  readonly log: Logger;
  readonly version: string;
  readonly openSignUp: boolean;
  readonly loginRates: LoginRates;
}

/**
 * Between the two halves: one key derivation on a slow device. An address gets no further than 120 in that time
 * (throttle.ts); this holds when it is given a wider rate.
 */
const halfway: PendingBounds = { lifetimeMs: 2 * 60_000, most: 10_000, mostOfCaller: 200 };
/** A session of a thief is not enough to change the password. */
const recentLoginMs = 10 * 60_000;

interface PendingLogin {
  readonly email: string;
  /** Null for an account that does not exist. */
  readonly found: FoundFactor | null;
  readonly factor: KnownFactor;
  readonly state: string;
}

interface PendingRegistration {
  readonly email: string;
  readonly setupToken: Uint8Array;
}

/** protocol.md §8. */
export function accountHandlers(parts: AccountParts): Handlers<typeof AccountService> {
  const { db, opaque, head, openSignUp } = parts;
  const logins = new PendingTable<PendingLogin>(halfway);
  const registrations = new PendingTable<PendingRegistration>(halfway);
  const passwordChanges = new PendingTable<Uid>(halfway);
  const throttle = new LoginThrottle(parts.loginRates);

  async function getServerInfo() {
    return { version: parts.version, needsSetup: !(await hasAccounts(db)), openSignUp };
  }

  async function startRegistration(input: StartRegistrationRequest, { address, now }: Call) {
    const email = normaliseEmail(input.email);
    throttle.attempt(email, address, now);
    await requireSignUp(db, input.setupToken);
    return {
      registrationUid: registrations.add({ email, setupToken: input.setupToken }, networkOf(address), now),
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
      recoveryResponse: opaque.answerRegistration(email, LoginFactor.RECOVERY, input.recoveryRequest),
    };
  }

  async function finishRegistration(input: FinishRegistrationRequest, { now }: Call) {
    const pending = registrations.take(input.registrationUid, now);
    if (!pending) throw new ProtocolError('expired', 'the registration took too long');
    const registration = checkRegistration(input);
    const { accountUid } = registration.account.identity;
    const session = await db.transaction().execute(async (tx) => {
      await lockAccountCreation(tx);
      await requireSignUp(tx, pending.setupToken);
      await insertAccount(tx, pending.email, registration, now);
      await eraseSetupToken(tx);
      return await createSession(tx, accountUid, registration.device.deviceUid, now);
    });
    parts.log.info({ event: 'account-created', account: accountUid });
    return { session };
  }

  async function requireSignUp(at: Database | Tx, setupToken: Uint8Array): Promise<void> {
    if (openSignUp || (await isSetupToken(at, setupToken))) return;
    throw new ProtocolError('not-allowed', 'creating an account needs the set-up link of the first start');
  }

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

  /** Nothing of the vault leaves before this point (attack class 18). */
  async function finishLogin(
    input: FinishLoginRequest,
    { address, now }: Call,
  ): Promise<MessageInitShape<typeof FinishLoginResponseSchema>> {
    const pending = logins.take(input.loginUid, now);
    if (!pending) throw new ProtocolError('login-refused', 'email or password is wrong');
    opaque.finishLogin(pending.state, input.loginFinish);
    const { found, factor, email } = pending;
    if (!found) throw new ProtocolError('login-refused', 'email or password is wrong');
    const { accountUid, record } = found;
    const device = checkDevice(input.device);
    throttle.succeeded(email, address);
    const session = await db.transaction().execute(async (tx) => {
      // The password may have been changed since this login began.
      if (!(await holdFactor(tx, accountUid, factor, record)))
        throw new ProtocolError('login-refused', 'email or password is wrong');
      await putDevice(tx, accountUid, device, now);
      return await createSession(tx, accountUid, device.deviceUid, now);
    });
    parts.log.info({ event: 'login', account: accountUid, kind: LoginFactor[factor] });
    return { session, ...(await readBundles(db, accountUid, factor)) };
  }

  async function startPasswordChange(input: StartPasswordChangeRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session.loginAt, now);
    const email = await emailOf(db, session.accountUid);
    return {
      registrationUid: passwordChanges.add(session.accountUid, session.accountUid, now),
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
    };
  }

  async function finishPasswordChange(input: FinishPasswordChangeRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session.loginAt, now);
    if (passwordChanges.take(input.registrationUid, now) !== session.accountUid)
      throw new ProtocolError('expired', 'the password change took too long');
    const opaque_record = checkOpaqueRecord(input.passwordRecord);
    const sealed_data_key = checkSealedKey(input.passwordSealedDataKey);
    await db.transaction().execute(async (tx) => {
      await tx
        .updateTable('login_factor')
        .set({ opaque_record, sealed_data_key })
        .where('account_uid', '=', uidBytes(session.accountUid))
        .where('factor', '=', LoginFactor.PASSWORD)
        .execute();
      await endSessions(tx, session.accountUid, { except: session.tokenHash });
    });
    head.publish(`acct.${session.accountUid}`, { kind: 'signed-out', which: { except: session.tokenHash } });
    return {};
  }

  async function renewSession(_input: unknown, { session, now }: SignedInCall) {
    return { expiresAtMs: BigInt(session.expiresAt), serverTimeMs: BigInt(now) };
  }

  async function logout(input: LogoutRequest, { session }: SignedInCall) {
    const { accountUid, tokenHash } = session;
    const which = input.everywhere ? { except: null } : { only: tokenHash };
    await endSessions(db, accountUid, which);
    head.publish(`acct.${accountUid}`, { kind: 'signed-out', which });
    return {};
  }

  return {
    getServerInfo: open(getServerInfo),
    startRegistration: open(startRegistration),
    finishRegistration: open(finishRegistration),
    startLogin: open(startLogin),
    finishLogin: open(finishLogin),
    startPasswordChange: signedIn(startPasswordChange),
    finishPasswordChange: signedIn(finishPasswordChange),
    renewSession: signedIn(renewSession),
    logout: signedIn(logout),
  };
}

function requireRecentLogin(loginAt: number, now: number): void {
  if (now - loginAt > recentLoginMs)
    throw new ProtocolError('not-allowed', 'sign in again before changing the password');
}

async function emailOf(db: Database, accountUid: Uid): Promise<string> {
  const account = await db
    .selectFrom('account')
    .select('email')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  return account.email;
}
