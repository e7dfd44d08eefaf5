import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeBase64, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectRequest, JumpStatementSchema } from '../../../protocol/messages/gen/command_pb.js';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import type { AccessProofSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import {
  opensUnlinked,
  readHostname,
  readPamSettings,
  requireSession,
} from '../../../protocol/records/pam-settings.ts';
import { readSessionSettings } from '../../../protocol/records/session-settings.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { LaunchCard } from '../../../protocol/vault/launch-card.ts';
import type { Gateways, KnownGateway } from '../gateways/gateways.ts';
import { jumpOfCard, type JumpMachines } from './jump-machines.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { MachineConfirmation } from '../records/machine-confirmation.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordOpener } from '../records/record-opener.ts';
import { trafficSeedOf } from '../records/record-view.ts';
import { accessProof } from '../sharing/access-proof.ts';
import type { ShareBook } from '../sharing/share-book.ts';

/** What the server keeps for the gateway must be at least this new, and the pin is as good as its own. */
export type Stated = Pick<
  ConnectRequest,
  'recordRevision' | 'credentialRevision' | 'configurationRevision' | 'pinnedHostKey'
> & {
  /** Of a machine behind another. */
  readonly jump?: MessageInitShape<typeof JumpStatementSchema>;
  /** Of somebody else's record. */
  readonly access?: MessageInitShape<typeof AccessProofSchema>;
};

/** A gateway, and the own machines that it leads to. */
export interface ServedMachines {
  readonly gateway: KnownGateway;
  readonly own: readonly Uid[];
}

export interface StandingAccess {
  readonly access: MessageInitShape<typeof AccessProofSchema>;
  /** Of the record's key. */
  readonly keyVersion: number;
}

/** Where a session goes, as the sealed records say. */
export interface Target {
  readonly gateway: KnownGateway;
  /** 32 bytes, the caller's to wipe. */
  readonly seed: Bytes;
  readonly stated: Stated;
  /** Own records whose copies the gateway works from; none of somebody else's. */
  readonly recordUids: readonly Uid[];
}

export interface TargetParts {
  readonly account: OpenedAccount;
  readonly book: RecordBook;
  readonly confirmation: MachineConfirmation;
  readonly jumps: JumpMachines;
  readonly opener: RecordOpener;
  readonly gateways: Gateways;
  readonly shares: ShareBook;
  readonly deviceNow: () => number;
}

/** Finds where a machine's session goes: an own one by its settings, somebody else's by its launch card. */
export class SessionTargets {
  readonly #parts: TargetParts;

  constructor(parts: TargetParts) {
    this.#parts = parts;
  }

  /** Throws `not-found`, `not-allowed`, `gateway-unknown`, `open-failed`, or `bad-signature`. */
  async find(recordUid: Uid): Promise<Target> {
    const { book } = this.#parts;
    return book.isOwn(book.require(recordUid)) ? await this.#own(recordUid) : await this.#shared(recordUid);
  }

  async #own(recordUid: Uid): Promise<Target> {
    const { book, gateways } = this.#parts;
    const opened = await book.open(recordUid);
    const { content, key, row } = opened;
    wipe(key);
    if (!(await this.#parts.confirmation.isConfirmed(opened)))
      throw new ProtocolError('not-allowed', 'somebody changed where this machine leads: confirm it first');
    readHostname(content);
    const settings = readPamSettings(content);
    requireSession(settings);
    readSessionSettings(content);
    const { configurationUid, connection } = settings;
    const { launchCredentialUid: linked } = connection;
    const gateway = (await gateways.known()).find((known) => known.configurationUid === configurationUid);
    if (!gateway)
      throw new ProtocolError('gateway-unknown', 'the machine names no gateway that the vault knows');
    if (linked ? !book.has(linked) : !opensUnlinked(settings))
      throw new ProtocolError('not-found', 'the machine names no user to sign in as');
    const jump = await this.#parts.jumps.find(recordUid, settings);
    const stated = {
      recordRevision: row.revision,
      credentialRevision: linked ? book.revisionOf(linked) : 0n,
      configurationRevision: book.revisionOf(gateway.configurationUid),
      pinnedHostKey: connection.hostKey ?? '',
      ...(jump && { jump: jump.stated }),
    };
    const behind = [...(linked ? [linked] : []), ...(jump?.recordUids ?? [])];
    const recordUids = [recordUid, gateway.configurationUid, ...behind];
    return { gateway, seed: trafficSeedOf(content), stated, recordUids };
  }

  /** Who may only launch knows the seed and could write a card: so the signature of who may write it is what counts. */
  async #shared(recordUid: Uid): Promise<Target> {
    const row = await this.#parts.book.row(recordUid);
    const { card, gateway } = await this.#launchOf(row);
    const stated = {
      recordRevision: row.revision,
      credentialRevision: BigInt(card.credentialRevision),
      configurationRevision: BigInt(card.configurationRevision),
      pinnedHostKey: card.hostKey,
      ...(card.jump && { jump: jumpOfCard(card.jump) }),
      access: this.#proof(recordUid, row),
    };
    return { gateway, seed: decodeBase64(card.trafficSeed), stated, recordUids: [] };
  }

  async #launchOf(row: Record): Promise<{ card: LaunchCard; gateway: KnownGateway }> {
    const { opener } = this.#parts;
    if (row.sealedLaunch.length === 0)
      throw new ProtocolError('gateway-unknown', 'its owner has not made this machine ready to connect to');
    await opener.requireWriter(row);
    const card = await opener.openLaunch(row);
    const { organisation } = this.#parts.account;
    const pins = {
      controllerUid: card.gatewayUid,
      applicationUid: card.applicationUid,
      gatewayKey: card.gatewayKey,
      organisationUid: organisation.uid,
      organisationKey: '',
      rosterVersion: 0,
    };
    const { gatewayUid: uid, configurationUid } = card;
    return { card, gateway: { uid, configurationUid, name: '', pins } };
  }

  /** The gateways that lead to the machines among these records, with each one's own. */
  async gatewaysOf(recordUids: readonly Uid[]): Promise<readonly ServedMachines[]> {
    const known = await this.#parts.gateways.known();
    const served = new Map<Uid, { gateway: KnownGateway; own: Uid[] }>();
    for (const recordUid of recordUids) {
      const gateway = await this.#gatewayOf(recordUid, known);
      if (gateway === null) continue;
      const one = served.get(gateway.uid) ?? { gateway, own: [] };
      if (this.#parts.book.isOwn(this.#parts.book.require(recordUid))) one.own.push(recordUid);
      served.set(gateway.uid, one);
    }
    return [...served.values()];
  }

  async #gatewayOf(recordUid: Uid, known: readonly KnownGateway[]): Promise<KnownGateway | null> {
    const { book } = this.#parts;
    const record = book.get(recordUid);
    const entry = record?.entry;
    if (!record || !entry || record.deleted) return null;
    if (book.isOwn(record)) {
      const configurationUid = entry.machine?.configurationUid;
      return known.find((gateway) => gateway.configurationUid === configurationUid) ?? null;
    }
    if (!entry.launchable) return null;
    try {
      return (await this.#launchOf(await book.row(recordUid))).gateway;
    } catch (error) {
      if (error instanceof ProtocolError) return null; // not as its owner wrote it: no session was begun by it
      throw error;
    }
  }

  /** By what a running session on somebody else's machine may go on, as this vault knows it by now. */
  async standingAccess(recordUid: Uid): Promise<StandingAccess> {
    const row = await this.#parts.book.row(recordUid);
    return { access: this.#proof(recordUid, row), keyVersion: row.keyVersion || 1 };
  }

  #proof(uid: Uid, { ownerUid }: Record): MessageInitShape<typeof AccessProofSchema> {
    const { account, shares, deviceNow } = this.#parts;
    const record = { uid, ownerUid: uidOf(ownerUid) };
    const { roster } = account.organisation;
    return accessProof(account.keys.accountUid, record, {
      shares: shares.shares,
      roster,
      nowMs: deviceNow(),
    });
  }
}
