// Who comes by a file's address, and whether that is still allowed: all that was true when it was given is asked again.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { uidOf } from '../../protocol/uid.ts';
import type { Clock } from '../clock.ts';
import { findSecretFile, type SecretFileName, type SecretFileRow } from '../secrets/secret-file-rows.ts';
import type { Database } from '../store/database.ts';
import type { AccessEvents } from './access-events.ts';
import { Callers, type Caller } from './callers.ts';
import { isStale, requireAccess } from './client-access.ts';
import { clientPrint, ticketMs, type FileTicket, type FileTickets } from './file-tickets.ts';
import type { SecretsVisit } from './method.ts';
import { SecretsRefusal } from './refusal.ts';
import { readVisible } from './visible-records.ts';

export interface FileAddressParts {
  readonly db: Database;
  readonly tickets: FileTickets;
  readonly events: AccessEvents;
  /** Of this server, as clients reach it: https://host. Known once it listens. */
  readonly origin: () => string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface AdmittedFile {
  readonly name: SecretFileName;
  readonly row: SecretFileRow;
}

export const filePath = '/api/rest/sm/files/';

export class FileAddresses {
  readonly #parts: FileAddressParts;
  readonly #callers: Callers;

  constructor(parts: FileAddressParts) {
    this.#parts = parts;
    this.#callers = new Callers(parts.db);
  }

  /** Good for an hour, for this client and this file, to do that. */
  urlOf({ caller, now }: SecretsVisit, purpose: FileTicket['purpose'], fileUid: Uint8Array): string {
    const { applicationUid, clientId } = caller;
    const client = clientPrint(clientId);
    const ticket = { purpose, applicationUid, client, fileUid, expiresAt: now + ticketMs };
    return `${this.#parts.origin()}${filePath}${this.#parts.tickets.issue(ticket)}`;
  }

  /** A file that arrived, and that this client reads now by one of its records. Throws `access_denied`. */
  async admitReader(text: string, address: string): Promise<AdmittedFile> {
    return await this.#admit(text, address, 'download_file', async (ticket, call) => {
      const file = ticket.purpose === 'send' ? null : await this.#find(ticket, call.caller);
      return file?.row.finished && (await this.#reads(call, file)) ? file : null;
    });
  }

  /** A file that this client announced, that has not arrived, and whose record it may still change. Throws `access_denied`. */
  async admitSender(text: string, address: string): Promise<AdmittedFile> {
    const file = await this.#admit(text, address, 'upload_file', async (ticket, call) => {
      const file = ticket.purpose === 'send' ? await this.#find(ticket, call.caller) : null;
      return file && (await this.#writes(call, file)) ? file : null;
    });
    if (file.row.finished) throw new SecretsRefusal('bad_request', 'The file has been uploaded before');
    return file;
  }

  async #admit(
    text: string,
    address: string,
    method: string,
    find: (ticket: FileTicket, call: SecretsVisit) => Promise<AdmittedFile | null>,
  ): Promise<AdmittedFile> {
    const { tickets, clock } = this.#parts;
    const ticket = tickets.read(text, clock.now());
    const caller = ticket && (await this.#findCaller(ticket));
    if (!caller) throw denied();
    const call = { caller, method, address, now: clock.now() };
    try {
      requireNow(ticket, call);
      const file = await find(ticket, call);
      if (!file) throw denied();
      requireNow(ticket, { ...call, now: clock.now() }); // what ended while the store was asked has ended
      await this.#parts.events.note('app_client_access', caller, call);
      return file;
    } catch (error) {
      if (error instanceof SecretsRefusal)
        await this.#parts.events.note('app_client_access_denied', caller, call);
      throw error;
    }
  }

  async #findCaller({ applicationUid, client }: FileTicket): Promise<Caller | null> {
    const row = await this.#parts.db
      .selectFrom('client')
      .select('client_id')
      .where('application_uid', '=', applicationUid)
      .where(sql<boolean>`substr(sha256(client_id), 1, 16) = ${client}`)
      .executeTakeFirst();
    return row ? await this.#callers.find(row.client_id) : null;
  }

  async #find({ fileUid, purpose }: FileTicket, caller: Caller): Promise<AdmittedFile | null> {
    const name = { accountUid: caller.ownerUid, fileUid, added: purpose !== 'read' };
    const row = await findSecretFile(this.#parts.db, name);
    return row && { name, row };
  }

  async #reads(call: SecretsVisit, { name, row }: AdmittedFile): Promise<boolean> {
    const versions = await this.#versionsNaming(call, { name, row });
    return versions.some(({ removed_files: removed }) => !removed.some((uid) => equal(uid, name.fileUid)));
  }

  async #writes(call: SecretsVisit, file: AdmittedFile): Promise<boolean> {
    return (await this.#versionsNaming(call, file)).some(({ editable }) => editable);
  }

  /** As the client reads its record now. */
  async #versionsNaming(call: SecretsVisit, { name, row }: AdmittedFile) {
    const { db } = this.#parts;
    const filter = { records: [uidOf(row.record_uid)], folders: null };
    const visible = await readVisible(db, call, filter);
    if (visible.length === 0) return [];
    const named = await db
      .selectFrom('secret_file_key')
      .select('base_revision')
      .where('account_uid', '=', row.account_uid)
      .where('record_uid', '=', row.record_uid)
      .where('file_uid', '=', name.fileUid)
      .where('added', '=', name.added)
      .execute();
    const revisions = new Set(named.map(({ base_revision: revision }) => revision));
    return visible.filter(({ base_revision: revision }) => revisions.has(revision));
  }
}

/** That neither the address nor the client's access is over. Throws `access_denied`. */
function requireNow(ticket: FileTicket, { caller, address, now }: SecretsVisit): void {
  if (ticket.expiresAt <= now || isStale(caller, now)) throw denied();
  requireAccess(caller, address, now);
}

function denied(): SecretsRefusal {
  return new SecretsRefusal('access_denied', 'The address of the file is not good, or not any more');
}
