import { ProtocolError } from '../../protocol/errors.ts';
import {
  LoginFactor,
  type AccountService,
  type DeleteAccountRequest,
  type FinishPasswordChangeRequest,
  type FinishRegistrationRequest,
  type LogoutRequest,
  type StartPasswordChangeRequest,
  type StartRegistrationRequest,
} from '../../protocol/messages/gen/account_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { open, signedIn, type Call, type Handlers, type SignedInCall } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { createSession, endSessions } from '../api/sessions.ts';
import type { Database, Tx } from '../store/database.ts';
import { endAllTrust } from '../devices/devices.ts';
import { deleteAccount } from './account-deletion.ts';
import { hasAccounts, insertAccount, lockAccountCreation } from './accounts.ts';
import { checkOpaqueRecord, checkRegistration, checkSealedKey } from './bundle.ts';
import { normaliseEmail } from './email.ts';
import { halfwayBounds, loginHandlers } from './login-service.ts';
import { LoginSteps, type LoginParts } from './login-steps.ts';
import type { Opaque } from './opaque.ts';
import { PendingTable } from './pending-table.ts';
import { requireRecentLogin } from './recent-login.ts';
import { eraseSetupToken, isSetupToken } from './setup-token.ts';
import { LoginThrottle, type LoginRates } from './throttle.ts';

export interface AccountParts extends LoginParts {
  readonly opaque: Opaque;
  readonly version: string;
  readonly publicUrl: string | null;
  readonly openSignUp: boolean;
  readonly loginRates: LoginRates;
}

interface PendingRegistration {
  readonly email: string;
  readonly setupToken: Uint8Array;
}

/** protocol.md §8. */
export function accountHandlers(parts: AccountParts): Handlers<typeof AccountService> {
  const { db, opaque, head, openSignUp } = parts;
  const registrations = new PendingTable<PendingRegistration>(halfwayBounds);
  const passwordChanges = new PendingTable<Uid>(halfwayBounds);
  const throttle = new LoginThrottle(parts.loginRates);
  const steps = new LoginSteps(parts);

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

  async function finishRegistration(input: FinishRegistrationRequest, { now, address }: Call) {
    const pending = registrations.take(input.registrationUid, now);
    if (!pending) throw new ProtocolError('expired', 'the registration took too long');
    const registration = checkRegistration(input);
    const { accountUid } = registration.account.identity;
    const session = await db.transaction().execute(async (tx) => {
      await lockAccountCreation(tx);
      await requireSignUp(tx, pending.setupToken);
      await insertAccount(tx, pending.email, registration, now, networkOf(address));
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

  async function startPasswordChange(input: StartPasswordChangeRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const email = await emailOf(db, session.accountUid);
    return {
      registrationUid: passwordChanges.add(session.accountUid, session.accountUid, now),
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
    };
  }

  async function finishPasswordChange(input: FinishPasswordChangeRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
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
    if (input.everywhere) await endAllTrust(db, accountUid);
    head.publish(`acct.${accountUid}`, { kind: 'signed-out', which });
    return {};
  }

  async function removeAccount(input: DeleteAccountRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    if (normaliseEmail(input.email) !== (await emailOf(db, accountUid)))
      throw new ProtocolError('not-allowed', 'that is not the address of this account');
    const gateways = await deleteAccount(db, accountUid);
    head.publish(`acct.${accountUid}`, { kind: 'signed-out', which: { except: null } });
    for (const gatewayUid of gateways) head.publish(`gw.${gatewayUid}`, { kind: 'removed' });
    parts.log.info({ event: 'account-deleted', account: accountUid });
    return {};
  }

  return {
    getServerInfo: open(getServerInfo),
    startRegistration: open(startRegistration),
    finishRegistration: open(finishRegistration),
    ...loginHandlers({ ...parts, throttle, steps }),
    startPasswordChange: signedIn(startPasswordChange),
    finishPasswordChange: signedIn(finishPasswordChange),
    renewSession: signedIn(renewSession),
    logout: signedIn(logout),
    deleteAccount: signedIn(removeAccount),
  };
}

async function emailOf(db: Database, accountUid: Uid): Promise<string> {
  const account = await db
    .selectFrom('account')
    .select('email')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  return account.email;
}
