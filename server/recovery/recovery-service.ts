import { checkPublicKey } from '../../protocol/crypto/ecdh.ts';
import { limits } from '../../protocol/limits.ts';
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import type {
  ApproveRequestRequest,
  AwaitReleaseRequest,
  CancelRequestRequest,
  EnrolRequest,
  FinishRenewalRequest,
  RecoveryService,
  RefuseRequestRequest,
  RequestRecoveryRequest,
  StartRenewalRequest,
} from '../../protocol/messages/gen/recovery_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { verifyDeviceProof } from '../../protocol/signed/device-proof.ts';
import { newUid, uidOf } from '../../protocol/uid.ts';
import { open, signedIn, type Call, type Handlers, type SignedInCall } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { News } from '../devices/news.ts';
import type { Logger } from '../log/logger.ts';
import { readBundles } from '../login/accounts.ts';
import { checkDevice } from '../login/bundle.ts';
import { normaliseEmail } from '../login/email.ts';
import type { Opaque } from '../login/opaque.ts';
import { requireRecentLogin } from '../login/recent-login.ts';
import { LoginThrottle, type LoginRates } from '../login/throttle.ts';
import { requireAdministrator } from '../organisation/membership.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { dropEnrolment, readEnrolment, storeEnrolment } from './enrolments.ts';
import { renewFactors } from './renewal.ts';
import {
  approveRequest,
  findRequest,
  insertRequest,
  isReleased,
  listRequests,
  refuseRequest,
  takeRelease,
  type FoundRequest,
} from './requests.ts';

export interface RecoveryParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly opaque: Opaque;
  /** Aborted when the server is about to end. */
  readonly stopped: AbortSignal;
}

/**
 * Five requests for an address in a day from one network, so that nobody elsewhere uses up those of its owner; an office
 * behind one address may have a bad morning.
 */
const requestRates: LoginRates = {
  perAccount: { burst: limits.recovery.requestsPerNetwork, perSecond: 5 / 86_400 },
  perAddress: { burst: 20, perSecond: 1 / 60 },
};
/** Under the time after which a client gives up a call. */
const releaseWaitMs = 20_000;

/** protocol.md §21. */
export function recoveryHandlers({
  db,
  head,
  log,
  opaque,
  stopped,
}: RecoveryParts): Handlers<typeof RecoveryService> {
  const throttle = new LoginThrottle(requestRates);

  async function getEnrolment(_input: unknown, { session }: SignedInCall) {
    return await readEnrolment(db, session.accountUid);
  }

  async function enrol({ enrolment }: EnrolRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    await db.transaction().execute((tx) => storeEnrolment(tx, session.accountUid, enrolment));
    head.publish(`acct.${session.accountUid}`, { kind: 'account-news' });
    log.info({ event: 'recovery-enrolled', account: session.accountUid });
    return {};
  }

  async function withdraw(_input: unknown, { session }: SignedInCall) {
    await db.transaction().execute((tx) => dropEnrolment(tx, session.accountUid));
    head.publish(`acct.${session.accountUid}`, { kind: 'account-news' });
    log.info({ event: 'recovery-withdrawn', account: session.accountUid });
    return {};
  }

  /** The same work and the same answer, whoever is asked for (attack class 19). */
  async function requestRecovery(input: RequestRecoveryRequest, { address, now }: Call) {
    const email = normaliseEmail(input.email);
    throttle.attempt(`${networkOf(address)} ${email}`, address, now);
    const device = checkDevice(input.device);
    const requestUid = uidOf(input.requestUid);
    checkPublicKey(input.temporaryKey);
    const proof = {
      method: 'RecoveryService/RequestRecovery',
      ...{ loginUid: input.requestUid, deviceUid: input.device?.deviceUid ?? new Uint8Array(0) },
    };
    verifyDeviceProof(device.publicKey, proof, input.deviceProof);
    const request = { requestUid, email, temporaryKey: input.temporaryKey, device };
    const seen = { now, network: networkOf(address) };
    const organisationUid = await db.transaction().execute((tx) => insertRequest(tx, request, seen));
    await tellAdministrators(organisationUid ?? new Uint8Array(16));
    log.info({ event: 'recovery-requested' });
    return { expiresAtMs: BigInt(now + limits.recovery.requestMs) };
  }

  async function awaitRelease(input: AwaitReleaseRequest, { now }: Call) {
    const request = await requireRequest('AwaitRelease', input, now);
    const news = new News(head, request.account_uid ? uidOf(request.account_uid) : newUid(), stopped);
    const until = Date.now() + releaseWaitMs;
    try {
      for (;;) {
        const release = await db.transaction().execute((tx) => takeRelease(tx, request));
        if (release) return await releaseMessage(release);
        if (isReleased(await findRequest(db, input.requestUid, Date.now())))
          throw new ProtocolError('expired', 'the release was given out already');
        if (!(await news.next(until - Date.now()))) return {};
      }
    } finally {
      news.close();
    }
  }

  async function releaseMessage(release: NonNullable<Awaited<ReturnType<typeof takeRelease>>>) {
    const accountUid = uidOf(release.account_uid);
    log.info({ event: 'recovery-released', account: accountUid });
    return {
      release: {
        approverUid: release.approver_uid,
        sealedDataKey: release.sealed_data_key,
        resetSecondFactors: release.reset_second_factors,
        signature: release.signature,
      },
      ...(await readBundles(db, accountUid)),
    };
  }

  async function cancelRequest(input: CancelRequestRequest, { now }: Call) {
    const { request_uid } = await requireRequest('CancelRequest', input, now);
    await db.deleteFrom('recovery_request').where('request_uid', '=', request_uid).execute();
    return {};
  }

  async function startRenewal(input: StartRenewalRequest, { now }: Call) {
    const request = await requireRequest('StartRenewal', input, now);
    if (!isReleased(request)) throw new ProtocolError('not-allowed', 'nobody has approved the request');
    const { email } = request;
    return {
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
      recoveryResponse: opaque.answerRegistration(email, LoginFactor.RECOVERY, input.recoveryRequest),
    };
  }

  async function finishRenewal(input: FinishRenewalRequest, { now, address }: Call) {
    await requireRequest('FinishRenewal', input, now);
    const accountUid = await db.transaction().execute(async (tx) => {
      const request = await findRequest(tx, input.requestUid, now);
      return await renewFactors(tx, request, input, { now, network: networkOf(address) });
    });
    head.publish(`acct.${accountUid}`, { kind: 'signed-out', which: { except: null } });
    log.info({ event: 'recovery-finished', account: accountUid });
    return {};
  }

  async function listWaiting(_input: unknown, { session, now }: SignedInCall) {
    const { organisationUid } = await requireAdministrator(db, session.accountUid);
    return { requests: await listRequests(db, organisationUid, now) };
  }

  async function approve({ requestUid, release }: ApproveRequestRequest, { session, now }: SignedInCall) {
    const { accountUid, organisationUid } = await db.transaction().execute(async (tx) => {
      const membership = await requireAdministrator(tx, session.accountUid);
      const request = await findRequest(tx, requestUid, now);
      const recovered = await approveRequest(tx, membership, request, release);
      return { accountUid: recovered, organisationUid: membership.organisationUid };
    });
    head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    await tellAdministrators(organisationUid);
    log.info({ event: 'recovery-approved', account: accountUid });
    return {};
  }

  async function refuse({ requestUid }: RefuseRequestRequest, { session, now }: SignedInCall) {
    const { organisationUid } = await db.transaction().execute(async (tx) => {
      const membership = await requireAdministrator(tx, session.accountUid);
      await refuseRequest(tx, membership, await findRequest(tx, requestUid, now));
      return membership;
    });
    await tellAdministrators(organisationUid);
    return {};
  }

  async function tellAdministrators(organisationUid: Uint8Array): Promise<void> {
    const rows = await db
      .selectFrom('account')
      .select('account_uid')
      .where('organisation_uid', '=', organisationUid)
      .where('in_roster', '=', true)
      .where('administrator', '=', true)
      .execute();
    for (const { account_uid } of rows) head.publish(`acct.${uidOf(account_uid)}`, { kind: 'account-news' });
  }

  /** Of the device that asked. Throws `expired` or `bad-signature`. */
  async function requireRequest(
    name: string,
    { requestUid, deviceProof }: { readonly requestUid: Uint8Array; readonly deviceProof: Uint8Array },
    now: number,
  ): Promise<FoundRequest> {
    const request = await findRequest(db, requestUid, now);
    const { device_uid: deviceUid, device_key } = request;
    const proof = { method: `RecoveryService/${name}`, loginUid: requestUid, deviceUid };
    verifyDeviceProof(device_key, proof, deviceProof);
    return request;
  }

  return {
    getEnrolment: signedIn(getEnrolment),
    enrol: signedIn(enrol),
    withdraw: signedIn(withdraw),
    requestRecovery: open(requestRecovery),
    awaitRelease: open(awaitRelease),
    cancelRequest: open(cancelRequest),
    startRenewal: open(startRenewal),
    finishRenewal: open(finishRenewal),
    listRequests: signedIn(listWaiting),
    approveRequest: signedIn(approve),
    refuseRequest: signedIn(refuse),
  };
}
