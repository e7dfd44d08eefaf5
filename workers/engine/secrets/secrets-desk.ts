import type { ApplicationEventPage, ApplicationView, ApplicationWay } from '../../api/applications.ts';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { History } from '../records/history.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { Trash } from '../records/trash.ts';
import type { RosterSource } from '../sharing/roster-source.ts';
import type { ShareBook } from '../sharing/share-book.ts';
import type { SharingDesk } from '../sharing/sharing-desk.ts';
import { ApplicationBook } from './application-book.ts';
import { ApplicationChanges } from './application-changes.ts';
import { ApplicationShares } from './application-shares.ts';
import { Applications } from './applications.ts';
import { clientNameOf, Clients } from './clients.ts';
import { SecretsKeeper } from './keeper.ts';
import { refusalOf } from './refusals.ts';
import type { SecretFileWork } from './secret-file-work.ts';
import { ShareKeeper } from './share-keeper.ts';
import { TakeOver } from './take-over.ts';

export interface SecretsDeskParts {
  readonly origin: string;
  readonly accountUid: Uid;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly history: History;
  readonly trash: Trash;
  readonly sharing: SharingDesk;
  readonly shares: ShareBook;
  readonly rosters: RosterSource;
  readonly files: SecretFileWork;
  readonly sync: () => Promise<void>;
  readonly isComplete: () => boolean;
  readonly now: () => number;
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  readonly onChanged: () => void;
  readonly warn: (message: string) => void;
}

/** Events of one page. */
const eventsAtOnce = 100;

/** General applications of an unlocked vault: what a person does with them, and what happens by itself. */
export class SecretsDesk {
  readonly applications: Applications;
  readonly clients: Clients;
  readonly shares: ApplicationShares;
  readonly changes: ApplicationChanges;
  readonly keeper: SecretsKeeper;
  readonly #parts: SecretsDeskParts;
  readonly #book: ApplicationBook;
  /** Names of folders and, of subfolders, what they are in: as of the last list. */
  #folders = new Map<Uid, { readonly name: string; readonly rootUid: Uid }>();

  constructor(parts: SecretsDeskParts) {
    const { session, sharing, book, onChanged, warn } = parts;
    this.#parts = parts;
    const applications = new ApplicationBook(parts);
    this.#book = applications;
    const shareKeeper = new ShareKeeper(session, warn);
    const { folders, subfolders, entries, office } = sharing;
    const takeOver = new TakeOver({ ...parts, applications, folders, entries });
    this.keeper = new SecretsKeeper({ ...parts, applications, shareKeeper, takeOver });
    const { keeper } = this;
    const folderNameOf = (uid: Uid) => this.#folders.get(uid)?.name ?? '';
    this.applications = new Applications({ ...parts, applications, keep: () => keeper.look() });
    this.clients = new Clients({ ...parts, applications });
    this.shares = new ApplicationShares({
      ...{ ...parts, applications, office, shareKeeper, folderNameOf, records: keeper.records },
      keep: () => {
        onChanged();
        this.changed();
      },
    });
    this.changes = new ApplicationChanges({
      ...{ ...parts, applications, folders, subfolders, entries, folderNameOf, book, warn },
      refused: () => keeper.refused,
      rootOf: (uid) => this.#folders.get(uid)?.rootUid ?? null,
      look: () => keeper.look(),
    });
  }

  /** By name. */
  async list(): Promise<ApplicationView[]> {
    const applications = await this.#book.all();
    if (applications.length === 0) return [];
    await this.#nameFolders();
    const clients = await this.clients.seen(null);
    const views = applications.map((application) => {
      const own = clients.filter(({ applicationUid }) => uidOf(applicationUid) === application.uid);
      const accesses = own.map(({ lastAccessAtMs }) => Number(lastAccessAtMs));
      return {
        uid: application.uid,
        name: application.name,
        createdAt: application.createdAt,
        shares: this.shares.viewsOf(application, this.keeper.state),
        clients: own.length,
        lastAccessAt: Math.max(0, ...accesses),
      };
    });
    return views.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** By the names of the applications. */
  async waysTo(objectUid: Uid): Promise<ApplicationWay[]> {
    const applications = await this.#book.all();
    if (applications.length === 0) return [];
    await this.#nameFolders();
    const holders = new Set([objectUid, ...this.#parts.shares.foldersOf(objectUid)]);
    const ways = applications.flatMap(({ uid: applicationUid, name: applicationName, shares }) =>
      shares
        .filter(({ uid }) => holders.has(uid))
        .map(({ uid, editable }) => ({
          ...{ applicationUid, applicationName, editable },
          folderUid: uid === objectUid ? null : uid,
          folderName: uid === objectUid ? '' : this.#titleOf(uid),
        })),
    );
    return ways.sort((a, b) => a.applicationName.localeCompare(b.applicationName));
  }

  /** The newest first. `before`: milliseconds; 0: from the newest. */
  async events(applicationUid: Uid, before: number): Promise<ApplicationEventPage> {
    const application = await this.#book.get(applicationUid);
    await this.#nameFolders();
    const { events, hasMore } = await this.#parts.session.call(SecretsService.method.listSecretEvents, {
      applicationUid: uidBytes(applicationUid),
      beforeMs: BigInt(before),
      limit: eventsAtOnce,
    });
    const views = events.map(({ atMs, name, clientId, address, method, objectUid, count }) => {
      const uid = objectUid.length > 0 ? uidOf(objectUid) : null;
      return {
        ...{ name, address, method, count },
        at: Number(atMs),
        clientId: encodeBase64(clientId),
        clientName: clientNameOf(application, clientId),
        objectUid: uid,
        objectTitle: uid === null ? '' : this.#titleOf(uid),
      };
    });
    return { events: views, hasMore };
  }

  async listChanges() {
    await this.#nameFolders();
    return await this.changes.list();
  }

  async settleChange(change: string, accept: boolean): Promise<void> {
    await this.#nameFolders();
    await this.changes.settle(change, accept);
    this.#parts.onChanged();
  }

  /** After a change of this vault. Runs behind. */
  changed(): void {
    void this.#behind(() => this.keeper.run());
  }

  /** After a sync, and when the server says that an application did something. Runs behind. */
  look(): void {
    void this.#behind(() => this.keeper.look());
  }

  /** Forgets everything. */
  clear(): void {
    this.#book.clear();
    this.keeper.clear();
    this.#folders.clear();
  }

  /** What fails is tried again after the next sync. */
  async #behind(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (this.#parts.signal.aborted) return; // without keys anything may fail
      const code = refusalOf(error);
      this.#parts.warn(`what applications see could not be brought up to date: ${code ?? String(error)}`);
    }
  }

  #titleOf(uid: Uid): string {
    return this.#parts.book.entry(uid)?.title ?? this.#folders.get(uid)?.name ?? '';
  }

  async #nameFolders(): Promise<void> {
    const folders = await this.#parts.shares.folders();
    this.#folders = new Map(
      folders.flatMap(({ uid, name, subfolders }) => [
        [uid, { name, rootUid: uid }] as const,
        ...subfolders.map((one) => [one.uid, { name: one.name, rootUid: uid }] as const),
      ]),
    );
  }
}
