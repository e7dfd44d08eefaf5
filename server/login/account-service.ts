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
import { requireNoWait } from '../api/refusal.ts';
import { createSession, endSessions } from '../api/sessions.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import type { Database, Tx } from '../store/database.ts';
import { endAllTrust } from '../devices/devices.ts';
import { publish } from '../records/feed.ts';
import { deleteAccount } from './account-deletion.ts';
import { acceptInvitation, findInvitation } from '../organisation/invitations.ts';
import { publishNews } from '../organisation/membership.ts';
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
  readonly signUpRate: Rate;
}

interface PendingRegistration {
  readonly email: string;
  readonly setupToken: Uint8Array;
  readonly invitation: { readonly uid: Uint8Array; readonly token: Uint8Array } | null;
}

/** protocol.md §8. */
export function accountHandlers(parts: AccountParts): Handlers<typeof AccountService> {
  const { db, opaque, head, openSignUp } = parts;
  const registrations = new PendingTable<PendingRegistration>(halfwayBounds);
  const passwordChanges = new PendingTable<Uid>(halfwayBounds);
  const throttle = new LoginThrottle(parts.loginRates);
  const signUps = new RateLimiter(parts.signUpRate);
  const steps = new LoginSteps(parts);

  async function getServerInfo() {
    return { version: parts.version, needsSetup: !(await hasAccounts(db)), openSignUp };
  }

  async function startRegistration(input: StartRegistrationRequest, { address, now }: Call) {
    const email = normaliseEmail(input.email);
    throttle.attempt(email, address, now);
    const { setupToken, invitationUid: uid, invitationToken: token } = input;
    const pending = { email, setupToken, invitation: uid.length > 0 ? { uid, token } : null };
    await requireEntry(db, pending, now);
    if (openSignUp && !pending.invitation) requireNoWait(signUps.take(networkOf(address), now));
    return {
      registrationUid: registrations.add(pending, networkOf(address), now),
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
      recoveryResponse: opaque.answerRegistration(email, LoginFactor.RECOVERY, input.recoveryRequest),
    };
  }

  async function finishRegistration(input: FinishRegistrationRequest, { now, address }: Call) {
    const pending = registrations.take(input.registrationUid, now);
    if (!pending) throw new ProtocolError('expired', 'the registration took too long');
    const { invitation } = pending;
    const registration = checkRegistration(input, invitation !== null);
    const { accountUid } = registration.account.identity;
    const entered = await db.transaction().execute(async (tx) => {
      await lockAccountCreation(tx);
      const invitedTo = await requireEntry(tx, pending, now);
      const seen = { now, network: networkOf(address) };
      await insertAccount(tx, pending.email, registration, invitedTo, seen);
      if (invitation)
        await acceptInvitation(tx, invitation.uid, { accountUid, proof: input.invitationProof }, now);
      await eraseSetupToken(tx);
      const session = await createSession(tx, accountUid, registration.device.deviceUid, now);
      return { session, invitedTo };
    });
    if (entered.invitedTo) await publishNews(db, head, entered.invitedTo);
    parts.log.info({ event: 'account-created', account: accountUid });
    return { session: entered.session };
  }

  /** The organisation of the invitation, null without one. Throws `not-found`, `not-allowed`. */
  async function requireEntry(
    at: Database | Tx,
    { email, setupToken, invitation }: PendingRegistration,
    now: number,
  ): Promise<Uint8Array | null> {
    if (!invitation) {
      await requireSignUp(at, setupToken);
      return null;
    }
    const found = await findInvitation(at, invitation.uid, invitation.token, now);
    if (found.email !== email)
      throw new ProtocolError('not-allowed', 'the invitation is for another address');
    return found.organisationUid;
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
    const { gateways, reached } = await deleteAccount(db, accountUid, now);
    publish(head, reached);
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
