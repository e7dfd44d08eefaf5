import { parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { openEnvelope, sealEnvelope } from '../../../protocol/crypto/envelope.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { parseUid, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Environment } from '../environment.ts';
import type { VaultStorage } from '../storage.ts';

export interface RecentParts {
  readonly keys: Pick<AccountKeys, 'dataKey' | 'accountUid'>;
  readonly storage: Pick<VaultStorage, 'readRecent' | 'writeRecent'>;
  readonly exclusive: Environment['exclusive'];
  readonly warn: (message: string) => void;
}

/** Records that are remembered. */
const most = 12;

/** What a person opened last on this device: sealed beside the snapshot, and told to nobody. protocol.md §15.6. */
export class RecentRecords {
  readonly #parts: RecentParts;

  constructor(parts: RecentParts) {
    this.#parts = parts;
  }

  /** UIDs, the last one first. */
  async uids(): Promise<readonly Uid[]> {
    const sealed = await this.#parts.storage.readRecent();
    if (sealed === null) return [];
    try {
      return parseList(await this.#open(sealed));
    } catch {
      this.#parts.warn('what was used last cannot be read'); // it begins anew
      return [];
    }
  }

  /** That record was used now. Other tabs write the same list. */
  async note(recordUid: Uid): Promise<void> {
    await this.#parts.exclusive('recent', async () => {
      const known = await this.uids();
      if (known[0] === recordUid) return;
      const next = [recordUid, ...known.filter((uid) => uid !== recordUid)].slice(0, most);
      await this.#parts.storage.writeRecent(await this.#seal(utf8(JSON.stringify(next))));
    });
  }

  async #seal(plaintext: Bytes): Promise<Bytes> {
    const { dataKey, accountUid } = this.#parts.keys;
    return await sealEnvelope(dataKey, purposes.localSnapshot, [accountUid, 'recent'], plaintext);
  }

  async #open(sealed: Bytes): Promise<Bytes> {
    const { dataKey, accountUid } = this.#parts.keys;
    return await openEnvelope(dataKey, purposes.localSnapshot, [accountUid, 'recent'], sealed);
  }
}

function parseList(bytes: Bytes): readonly Uid[] {
  const list: unknown = JSON.parse(parseUtf8(bytes));
  if (!Array.isArray(list)) throw new TypeError('no list');
  return list.slice(0, most).map((uid) => parseUid(String(uid)));
}
