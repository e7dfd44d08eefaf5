import { ProtocolError } from '../../protocol/errors.ts';
import type { OpenedSecrets } from '../../protocol/secrets-manager/client.ts';
import { parseApplicationCopy, type ApplicationCopy } from '../../protocol/session/application-copy.ts';
import type { Uid } from '../../protocol/uid.ts';
import { Refusal } from '../router/refusal.ts';
import type { ServerDoor } from '../router/server-door.ts';
import { withSecretsClient, type ClientIdentity } from './secrets-access.ts';

/** Reads records at the moment they are needed, and keeps none. */
export class RecordReader {
  readonly #door: ServerDoor;
  readonly #identity: ClientIdentity;
  readonly #applicationUid: Uid;

  constructor(door: ServerDoor, identity: ClientIdentity, applicationUid: Uid) {
    this.#door = door;
    this.#identity = identity;
    this.#applicationUid = applicationUid;
  }

  /**
   * Exactly these records, in this order. Throws a {@link Refusal}: `record-unavailable` when the server does not
   * give one, `untrusted-record` when what it gives is not that record.
   */
  async read(recordUids: readonly Uid[], signal: AbortSignal): Promise<ApplicationCopy[]> {
    const secrets = await this.#fetch(recordUids, signal);
    return recordUids.map((recordUid) => this.#find(secrets, recordUid));
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

  #find(secrets: OpenedSecrets, recordUid: Uid): ApplicationCopy {
    if (secrets.unreadable.includes(recordUid)) {
      throw new Refusal('untrusted-record', 'a record does not open under the application key');
    }
    const found = secrets.records.find((record) => record.recordUid === recordUid);
    if (found === undefined)
      throw new Refusal('record-unavailable', 'a record is not shared with this gateway');
    try {
      return parseApplicationCopy(found.content, { recordUid, applicationUid: this.#applicationUid });
    } catch {
      // The parser's own message is about bytes that are secret.
      throw new Refusal('untrusted-record', 'a record is not the one that was asked for');
    }
  }
}
