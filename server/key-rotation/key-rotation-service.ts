import { ProtocolError } from '../../protocol/errors.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { AccountCertificateSchema, LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import type {
  CancelKeyRotationRequest,
  FinishKeyRotationRequest,
  KeyRotationService,
  ListSuccessionsRequest,
  StageKeyRotationRequest,
  StartKeyRotationRequest,
} from '../../protocol/messages/gen/key-rotation_pb.js';
import { verifyAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { sql } from 'kysely';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Logger } from '../log/logger.ts';
import type { Opaque } from '../login/opaque.ts';
import { requireRecentLogin } from '../login/recent-login.ts';
import { publishNews, publishRoster, readMembership } from '../organisation/membership.ts';
import { publish, uidArray } from '../records/feed.ts';
import { verifyingKey } from '../records/signatures.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { endRotation, newSigningKey } from './ending.ts';
import { beginRotation, forgetRotation, requireRotation } from './rotations.ts';
import { stage } from './staging.ts';
import { readSuccessions } from './successions.ts';
import { readTakeOvers } from './take-overs.ts';

export interface KeyRotationParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly opaque: Opaque;
}

/** Accounts whose successions are asked for at once. */
const mostAsked = 100;

/** protocol.md §23. */
export function keyRotationHandlers({
  db,
  head,
  log,
  opaque,
}: KeyRotationParts): Handlers<typeof KeyRotationService> {
  async function startKeyRotation(input: StartKeyRotationRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    if (!input.certificate) throw new ProtocolError('malformed', 'no certificate');
    if (verifyAccountCertificate(input.certificate).accountUid !== accountUid)
      throw new ProtocolError('malformed', 'keys of another account');
    const { inRoster } = await readMembership(db, accountUid);
    if (!inRoster)
      throw new ProtocolError('not-allowed', 'an administrator has to certify the account first');
    const certificate = encodeMessage(AccountCertificateSchema, input.certificate);
    const rotationUid = await db.transaction().execute((tx) => beginRotation(tx, session, certificate, now));
    const { email } = await db
      .selectFrom('account')
      .select('email')
      .where('account_uid', '=', uidBytes(accountUid))
      .executeTakeFirstOrThrow();
    log.info({ event: 'key-rotation-started', account: accountUid });
    return {
      rotationUid: uidBytes(rotationUid),
      passwordResponse: opaque.answerRegistration(email, LoginFactor.PASSWORD, input.passwordRequest),
      recoveryResponse: opaque.answerRegistration(email, LoginFactor.RECOVERY, input.recoveryRequest),
      taken: await readTakeOvers(db, accountUid),
    };
  }

  async function stageKeyRotation(input: StageKeyRotationRequest, { session, now }: SignedInCall) {
    await db.transaction().execute(async (tx) => {
      const { certificate } = await requireRotation(tx, session, input.rotationUid, now);
      const key = verifyingKey(newSigningKey(certificate));
      await stage({ tx, caller: session.accountUid, key, now }, input);
    });
    return {};
  }

  async function finishKeyRotation(input: FinishKeyRotationRequest, { session, now }: SignedInCall) {
    const { accountUid } = session;
    const ended = await db.transaction().execute((tx) => endRotation(tx, session, input, now));
    head.publish(`acct.${accountUid}`, { kind: 'signed-out', which: { except: null } });
    publish(head, ended.reached);
    await publishRoster(db, head, ended.organisationUid);
    await publishNews(db, head, ended.organisationUid);
    log.info({ event: 'key-rotation-finished', account: accountUid });
    return { session: ended.session };
  }

  async function cancelKeyRotation({ rotationUid }: CancelKeyRotationRequest, { session }: SignedInCall) {
    await db.transaction().execute((tx) => forgetRotation(tx, session.accountUid, rotationUid));
    return {};
  }

  async function listSuccessions({ accountUids }: ListSuccessionsRequest, { session }: SignedInCall) {
    if (accountUids.length > mostAsked) throw new ProtocolError('too-large', `at most ${mostAsked} accounts`);
    const { organisationUid, inRoster } = await readMembership(db, session.accountUid);
    if (!inRoster) return {};
    const members = await db
      .selectFrom('account')
      .select('account_uid')
      .where('organisation_uid', '=', organisationUid)
      .where(sql<boolean>`account_uid = ANY(${uidArray(accountUids.map(uidOf))})`)
      .execute();
    return {
      successions: await readSuccessions(
        db,
        members.map(({ account_uid }) => account_uid),
      ),
    };
  }

  return {
    startKeyRotation: signedIn(startKeyRotation),
    stageKeyRotation: signedIn(stageKeyRotation),
    finishKeyRotation: signedIn(finishKeyRotation),
    cancelKeyRotation: signedIn(cancelKeyRotation),
    listSuccessions: signedIn(listSuccessions),
  };
}
