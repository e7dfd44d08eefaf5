// Recovery at a hostile server: kept as a true server keeps it, so that a test says where it lies.
import { create } from '@bufbuild/protobuf';
import { encodeBase64url, equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { OrganisationBundleSchema } from '../../protocol/messages/gen/account_pb.js';
import {
  RecoveryEnrolmentSchema,
  RecoveryService,
  WaitingRecoverySchema,
  type ApproveRequestRequest,
  type RecoveryEnrolment,
  type RecoveryRelease,
  type RequestRecoveryRequest,
  type WaitingRecovery,
} from '../../protocol/messages/gen/recovery_pb.js';
import type { HostileServer, Serve } from './hostile-server.ts';

export class HostileRecovery {
  /** By address. */
  readonly enrolments = new Map<string, RecoveryEnrolment>();
  readonly requests: WaitingRecovery[] = [];
  /** By the request's UID. */
  readonly releases = new Map<string, RecoveryRelease>();
  /** Calls that would have given a new password. */
  renewals = 0;

  enrolmentOf(email: string) {
    const enrolment = this.enrolments.get(email);
    if (!enrolment) return {};
    const { recoveryKey, sealedHash, signature } = enrolment;
    return { enrolment: create(RecoveryEnrolmentSchema, { recoveryKey, sealedHash, signature }) };
  }

  enrol(email: string, enrolment: RecoveryEnrolment | undefined): void {
    if (!enrolment) throw new ProtocolError('malformed');
    this.enrolments.set(email, enrolment);
  }

  request({ requestUid, email, temporaryKey }: RequestRecoveryRequest, accountUid: Uint8Array): void {
    const enrolment = this.enrolments.get(email);
    this.requests.push(
      create(WaitingRecoverySchema, {
        ...{ requestUid, accountUid, email, temporaryKey, deviceName: 'a device', network: '192.0.2.1' },
        ...(enrolment && { enrolment }),
      }),
    );
  }

  approve({ requestUid, release }: ApproveRequestRequest): void {
    if (!release) throw new ProtocolError('malformed');
    this.releases.set(encodeBase64url(requestUid), release);
  }

  releaseFor(requestUid: Uint8Array): RecoveryRelease | null {
    return this.releases.get(encodeBase64url(requestUid)) ?? null;
  }

  find(requestUid: Uint8Array): WaitingRecovery {
    const found = this.requests.find((request) => equal(request.requestUid, requestUid));
    if (!found) throw new ProtocolError('expired');
    return found;
  }
}

/** The calls, as a true server answers them; a renewal is counted and goes no further. */
export function serveRecovery(server: HostileServer, on: Serve): void {
  const { method } = RecoveryService;
  const { recovery, accounts, organisation } = server;
  on(method.getEnrolment, (_, email) => recovery.enrolmentOf(email));
  on(method.enrol, ({ enrolment }, email) => (recovery.enrol(email, enrolment), {}));
  on(method.requestRecovery, (input) => {
    recovery.request(input, accounts.get(input.email)?.account.accountUid ?? new Uint8Array(16));
    return { expiresAtMs: BigInt(Date.now() + 86_400_000) };
  });
  on(method.listRequests, () => ({ requests: recovery.requests }));
  on(method.approveRequest, (input) => (recovery.approve(input), {}));
  on(method.cancelRequest, () => ({}));
  on(method.startRenewal, () => {
    recovery.renewals++;
    throw new ProtocolError('unavailable');
  });
  on(method.awaitRelease, ({ requestUid }) => {
    const release = recovery.releaseFor(requestUid);
    const stored = accounts.get(recovery.find(requestUid).email);
    if (!release || !stored) throw new ProtocolError('unavailable');
    const roster = organisation.rosters.at(-1);
    const bundle = create(OrganisationBundleSchema, { ...stored.organisation, ...(roster && { roster }) });
    return { release, account: stored.account, organisation: bundle };
  });
}
