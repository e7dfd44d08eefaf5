import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EndedSessions } from '../../api/sharing.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { WithdrawalKind, type EndAccessRequestSchema } from '../../../protocol/messages/gen/command_pb.js';
import type { AccessProofSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { KnownGateway } from '../gateways/gateways.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { SessionTargets } from '../sessions/session-target.ts';
import { folderProof } from './access-proof.ts';
import type { Revocation } from './revocations.ts';
import type { RosterSource } from './roster-source.ts';
import type { ShareBook } from './share-book.ts';

type Request = MessageInitShape<typeof EndAccessRequestSchema>;

export interface AccessNoticeParts {
  readonly accountUid: Uid;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly shares: ShareBook;
  readonly rosters: RosterSource;
  readonly targets: Pick<SessionTargets, 'gatewaysOf'>;
  readonly commands: Pick<GatewayCommands, 'endAccess'>;
}

/** What access was taken back from: a record, a folder, or of an entry the folder. */
export interface TakenObject {
  readonly uid: Uid;
  readonly ownerUid: Uid;
}

const kinds: Readonly<Record<Revocation['kind'], WithdrawalKind>> = {
  record: WithdrawalKind.RECORD,
  folder: WithdrawalKind.FOLDER,
  entry: WithdrawalKind.ENTRY,
};

/**
 * Tells gateways that access was taken back, so that sessions which rest on it end at once (protocol.md §12.8). Whether
 * they heard it, they sign: what the server withholds is known here, and late by a lease.
 */
export class AccessNotices {
  readonly #parts: AccessNoticeParts;

  constructor(parts: AccessNoticeParts) {
    this.#parts = parts;
  }

  /** `recordUids`: where sessions may run by it. Never throws for a gateway that is not reached. */
  async taken(
    revocations: readonly Revocation[],
    { uid, ownerUid }: TakenObject,
    recordUids: readonly Uid[],
  ): Promise<EndedSessions> {
    const withdrawals = revocations.map(({ kind, objectUid, outUid, untilMs }) => ({
      ...{ kind: kinds[kind], objectUid: uidBytes(objectUid), outUid: uidBytes(outUid) },
      ...{ objectOwnerUid: uidBytes(ownerUid), untilMs: BigInt(untilMs) },
    }));
    const access = this.#folderRights(uid, ownerUid);
    const requests: Request[] = [];
    for (let at = 0; at < withdrawals.length; at += limits.withdrawals.each) {
      const part = withdrawals.slice(at, at + limits.withdrawals.each);
      requests.push({ withdrawals: part, ...(access && { access }) });
    }
    const served = await this.#parts.targets.gatewaysOf(recordUids);
    return joined(await Promise.all(served.map(({ gateway }) => this.#tell(gateway, requests))));
  }

  /** Own records have new keys: their gateways take no former copy from now on, whatever the server gives them. */
  async stored(recordUids: readonly Uid[]): Promise<EndedSessions> {
    const served = await this.#parts.targets.gatewaysOf(recordUids);
    const told = served.map(({ gateway, own }) => {
      const requests: Request[] = [];
      for (let at = 0; at < own.length; at += limits.withdrawals.each)
        requests.push({
          records: own.slice(at, at + limits.withdrawals.each).map((uid) => this.#state(uid)),
        });
      return this.#tell(gateway, requests);
    });
    return joined(await Promise.all(told));
  }

  async #tell(gateway: KnownGateway, requests: readonly Request[]): Promise<EndedSessions> {
    let ended = 0;
    try {
      for (const request of requests) ended += await this.#parts.commands.endAccess(gateway, request);
      return { ended, unreached: 0 };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // One that never enrolled has no sessions; of all others nobody knows.
      const isNew = gateway.pins.gatewayKey === undefined && error.code === 'gateway-offline';
      return { ended, unreached: isNew ? 0 : 1 };
    }
  }

  #state(uid: Uid) {
    const { revision, keyVersion } = this.#parts.book.require(uid);
    return { recordUid: uidBytes(uid), revision: BigInt(revision), keyVersion: keyVersion || 1 };
  }

  /** By what this account manages a folder that is not its own; undefined for everything else. */
  #folderRights(uid: Uid, ownerUid: Uid): MessageInitShape<typeof AccessProofSchema> | undefined {
    const { accountUid, shares, rosters, session } = this.#parts;
    if (ownerUid === accountUid || !shares.shares.folders.has(uid)) return undefined;
    try {
      const { roster } = rosters;
      const parts = { shares: shares.shares, roster, nowMs: session.deviceNow() };
      return folderProof(accountUid, { uid, ownerUid }, parts);
    } catch (error) {
      if (error instanceof ProtocolError) return undefined; // what it signed itself counts without
      throw error;
    }
  }
}

function joined(all: readonly EndedSessions[]): EndedSessions {
  const sum = (count: (one: EndedSessions) => number) => all.reduce((total, one) => total + count(one), 0);
  return { ended: sum(({ ended }) => ended), unreached: sum(({ unreached }) => unreached) };
}
