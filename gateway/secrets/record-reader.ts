import type { Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { OpenedSecrets } from '../../protocol/secrets-manager/client.ts';
import {
  parseApplicationCopy,
  verifyApplicationCopy,
  type ApplicationCopy,
} from '../../protocol/session/application-copy.ts';
import { confirmationCounter } from '../../protocol/signed/connection-signature.ts';
import { findMember, type Roster } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { isBelow, type RecordVersion, type RisingState } from '../rising-state.ts';
import { Refusal } from '../router/refusal.ts';
import type { ServerDoor } from '../router/server-door.ts';
import { withSecretsClient, type ClientIdentity } from './secrets-access.ts';

/** By what a record is believed. */
export interface RecordTrust {
  readonly applicationUid: Uid;
  /** Of the application: nobody else's records count, whoever has keys of them. */
  readonly ownerUid: Uid;
  readonly roster: () => Roster | null;
  /** Keeps the newest that was seen of every record. */
  readonly state: RisingState;
  readonly log: Logger;
}

/** A copy that its owner signed, and the key under which it was sealed. */
export interface ReadCopy extends ApplicationCopy {
  /** 32 bytes. */
  readonly copyKey: Bytes;
}

/** Reads records at the moment they are needed, and keeps none. protocol.md §12.6. */
export class RecordReader {
  readonly #door: ServerDoor;
  readonly #identity: ClientIdentity;
  readonly #trust: RecordTrust;

  constructor(door: ServerDoor, identity: ClientIdentity, trust: RecordTrust) {
    this.#door = door;
    this.#identity = identity;
    this.#trust = trust;
  }

  /**
   * Exactly these records, in this order. Throws a {@link Refusal}: `record-unavailable` when the server does not
   * give one, `untrusted-record` when what it gives is not that record as its owner signed it, `record-outdated` when
   * the gateway has seen a newer one.
   */
  async read(recordUids: readonly Uid[], signal: AbortSignal): Promise<ReadCopy[]> {
    const secrets = await this.#fetch(recordUids, signal);
    const copies = recordUids.map((recordUid) => [recordUid, this.#find(secrets, recordUid)] as const);
    await this.#keepNewest(copies);
    return copies.map(([, found]) => found);
  }

  /** Before a record is used: whoever is shown its former state afterwards knows it. */
  async #keepNewest(copies: readonly (readonly [Uid, ApplicationCopy])[]): Promise<void> {
    const { state, log } = this.#trust;
    const given = new Map(copies.map(([uid, copy]) => [uid, versionOf(copy)] as const));
    for (const [uid, version] of given) {
      const seen = state.versions.records.get(uid);
      if (seen && isBelow(version, seen))
        throw new Refusal('record-outdated', 'the server gives an older copy of a record than before');
    }
    const forgotten = await state.raise({ records: given });
    if (forgotten.length > 0)
      log.warn('newest revisions of records forgotten', { records: forgotten.length });
  }

  async #fetch(records: readonly Uid[], signal: AbortSignal): Promise<OpenedSecrets> {
    try {
      return await withSecretsClient(this.#door, this.#identity, signal, (client) =>
        client.getSecret({ records }),
      );
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 'internal';
      const untrusted = code === 'untrusted' || code === 'open-failed' || code === 'malformed';
      throw new Refusal(untrusted ? 'untrusted-record' : 'record-unavailable', `reading records: ${code}`);
    }
  }

  #find(secrets: OpenedSecrets, recordUid: Uid): ReadCopy {
    if (secrets.unreadable.includes(recordUid)) {
      throw new Refusal('untrusted-record', 'a record does not open under the application key');
    }
    const found = secrets.records.find((record) => record.recordUid === recordUid);
    if (found === undefined)
      throw new Refusal('record-unavailable', 'a record is not shared with this gateway');
    const { applicationUid } = this.#trust;
    try {
      const copy = this.#verified(parseApplicationCopy(found.content, { recordUid, applicationUid }));
      return { ...copy, copyKey: found.key };
    } catch (error) {
      if (error instanceof Refusal) throw error;
      // The parser's own message is about bytes that are secret.
      throw new Refusal('untrusted-record', 'a record is not the one that was asked for');
    }
  }

  /** Who may read a record has its copy's key: the signature of the account that owns the application is what counts. */
  #verified(copy: ApplicationCopy): ApplicationCopy {
    const { ownerUid, roster } = this.#trust;
    const present = roster();
    const owner = present === null ? null : findMember(present, ownerUid);
    if (owner === null) throw new Refusal('untrusted-record', 'the owner of this gateway is in no roster');
    if (copy.ownerUid !== ownerUid)
      throw new Refusal('untrusted-record', 'a record belongs to another account than this gateway');
    try {
      verifyApplicationCopy(owner.signingPublicKey, copy);
    } catch {
      throw new Refusal('untrusted-record', 'a record was not signed by its owner');
    }
    return copy;
  }
}

/** An editor who brings back where a machine led brings back what its owner said of that, too. protocol.md §12.6. */
function versionOf({ content, revision, keyVersion }: ApplicationCopy): RecordVersion {
  return { revision, keyVersion, confirmation: confirmationCounter(content) };
}
