import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import { sealSecretJson } from '../../../protocol/secrets-manager/secret-seal.ts';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { openPolicy, type RecordWriter } from '../records/record-writer.ts';
import type { ApplicationBook } from './application-book.ts';
import { applicationContent, nameIn } from './application-content.ts';

export interface ApplicationsParts {
  readonly session: VaultSession;
  readonly writer: RecordWriter;
  readonly applications: ApplicationBook;
  /** Takes over what applications wrote, and takes away what none of them has any more. */
  readonly keep: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/** Applications are made, renamed and deleted here: the sealed record, and what the server knows of it. */
export class Applications {
  readonly #parts: ApplicationsParts;

  constructor(parts: ApplicationsParts) {
    this.#parts = parts;
  }

  async create(typed: string): Promise<Uid> {
    const { session, writer } = this.#parts;
    const name = nameIn(typed);
    const [uid, key] = [newUid(), randomBytes(32)];
    const applicationUid = uidBytes(uid);
    const appData = await appDataOf(applicationKeyOf(key, uid), name);
    await session.call(ApplicationService.method.createApplication, { applicationUid, appData });
    try {
      const sealed = { name, createdAt: session.now(), shares: [], clients: new Map<string, string>() };
      const policy = { ...openPolicy, connections: false };
      await writer.write([{ uid, key, baseRevision: 0n, policy, content: applicationContent(sealed) }]);
      return uid;
    } catch (error) {
      await session.call(ApplicationService.method.deleteApplication, { applicationUid }).catch(() => {
        this.#parts.warn('an application that was not finished could not be removed');
      });
      throw error;
    } finally {
      wipe(key);
    }
  }

  async rename(uid: Uid, typed: string): Promise<void> {
    const { applications, session } = this.#parts;
    const name = nameIn(typed);
    await applications.change(uid, (application) => ({ ...application, name }));
    const appData = await appDataOf(await applications.key(uid), name);
    const request = { applicationUid: uidBytes(uid), appData };
    await session.call(ApplicationService.method.putApplicationData, request);
  }

  /** The server's part goes first: from that moment its devices get nothing. What was cut off is done by another try. */
  async remove(uid: Uid): Promise<void> {
    const { applications, session, writer, keep } = this.#parts;
    await applications.get(uid);
    await keep(); // what it wrote until now is the vault's
    try {
      await session.call(ApplicationService.method.deleteApplication, { applicationUid: uidBytes(uid) });
    } catch (error) {
      if (toProtocolError(error)?.code !== 'not-found') throw error; // an earlier attempt got this far
    }
    await applications.change(uid, (one) => ({ ...one, shares: [], clients: new Map() }));
    await keep();
    await writer.remove([uid]);
  }
}

/** Its name, as its devices read it. */
async function appDataOf(key: Bytes, title: string): Promise<Bytes> {
  try {
    return await sealSecretJson(key, { title, type: 'app' });
  } finally {
    wipe(key);
  }
}
