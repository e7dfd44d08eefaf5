import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { toProtocolError, ProtocolError } from '../../../protocol/errors.ts';
import { secretOwnerKeyOf } from '../../../protocol/secrets-manager/secret-seal.ts';
import type { EcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import {
  applicationContent,
  applicationType,
  parseApplication,
  type SealedApplication,
} from './application-content.ts';

export interface Application extends SealedApplication {
  readonly uid: Uid;
}

export interface ApplicationBookParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/** What another device of the account may write in between; more in a row is not chance. */
const tries = 4;

/** The account's general applications as their sealed records say: no list of a server's adds to them. */
export class ApplicationBook {
  readonly #parts: ApplicationBookParts;
  #opened = new Map<Uid, { readonly revision: bigint; readonly application: Application }>();

  constructor(parts: ApplicationBookParts) {
    this.#parts = parts;
  }

  /** Whether there is any: without opening one. */
  get isEmpty(): boolean {
    return this.#parts.book.ofType(applicationType).length === 0;
  }

  /** Those that open. */
  async all(): Promise<readonly Application[]> {
    const uids = this.#parts.book.ofType(applicationType).map(({ uid }) => uid);
    const applications = await Promise.all(uids.map((uid) => this.#orNull(uid)));
    return applications.filter((one) => one !== null);
  }

  /** Throws `not-found`, `open-failed` or `malformed`. */
  async get(uid: Uid): Promise<Application> {
    const { book } = this.#parts;
    if (book.entry(uid)?.type !== applicationType || !book.hasOwn(uid))
      throw new ProtocolError('not-found', 'there is no such application');
    const known = this.#opened.get(uid);
    if (known?.revision === book.revisionOf(uid)) return known.application;
    const { row, content, key } = await book.open(uid);
    wipe(key);
    const application = { uid, ...parseApplication(content) };
    this.#opened.set(uid, { revision: row.revision, application });
    return application;
  }

  /** Writes what `change` makes of the newest content. Throws `not-found`, `malformed`, `limit-reached`. */
  async change(uid: Uid, change: (application: SealedApplication) => SealedApplication): Promise<void> {
    const { writer, sync } = this.#parts;
    for (let left = tries; ; left--) {
      const application = await this.get(uid);
      const draft = await writer.draftOf(uid);
      try {
        return await writer.write([{ ...draft, content: applicationContent(change(application)) }]);
      } catch (error) {
        if (toProtocolError(error)?.code !== 'conflict' || left <= 1) throw error;
        await sync();
      } finally {
        wipe(draft.key);
      }
    }
  }

  /** The application key, 32 bytes, the caller's to wipe. */
  async key(uid: Uid): Promise<Bytes> {
    const recordKey = await this.#recordKey(uid);
    const key = applicationKeyOf(recordKey, uid);
    wipe(recordKey);
    return key;
  }

  /** What its devices wrap the keys of new things to; the private half is the caller's to wipe. */
  async ownerKeys(uid: Uid): Promise<EcdhKeyPair> {
    const recordKey = await this.#recordKey(uid);
    const pair = secretOwnerKeyOf(recordKey, uid);
    wipe(recordKey);
    return pair;
  }

  clear(): void {
    this.#opened = new Map();
  }

  async #recordKey(uid: Uid): Promise<Bytes> {
    await this.get(uid); // nothing else is an application
    return copy((await this.#parts.book.open(uid)).key);
  }

  async #orNull(uid: Uid): Promise<Application | null> {
    try {
      return await this.get(uid);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`an application was left out: ${error.code}`);
      return null;
    }
  }
}
