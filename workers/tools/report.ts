import { encodeBase64url, utf8, wipe } from '../../protocol/bytes.ts';
import { hmacSha256 } from '../../protocol/crypto/hash.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import { findWeakness } from './password-strength.ts';

/** A record and the passwords it holds. */
export interface PasswordHolder {
  readonly recordUid: Uid;
  readonly title: string;
  readonly passwords: readonly string[];
  /** When they were last changed, as far as it is known; milliseconds since 1970. */
  readonly changedAt: number;
}

export interface ReportedRecord {
  readonly recordUid: Uid;
  readonly title: string;
}

/** What is to be done about the passwords of a vault. Holds none of them, nor anything made of them. */
export interface PasswordReport {
  /** Records with a password, and their passwords. */
  readonly records: number;
  readonly passwords: number;
  /** Weakest first. `warning`: why, or empty. */
  readonly weak: readonly (ReportedRecord & { readonly score: 0 | 1 | 2; readonly warning: string })[];
  /** Records that share a password, the largest group first. */
  readonly reused: readonly (readonly ReportedRecord[])[];
  /** Not changed for long, the oldest first. */
  readonly old: readonly (ReportedRecord & { readonly changedAt: number })[];
}

export interface ReportOptions {
  readonly nowMs: number;
  /** A password not changed for so long is old. */
  readonly oldAfterMs: number;
  readonly signal?: AbortSignal;
}

type Weak = PasswordReport['weak'][number];

/**
 * Looks through all passwords once. Equal ones are found by an HMAC under a key of this run alone, so that no plain
 * hash of a password is kept even in memory. Throws `cancelled`.
 */
export async function reportPasswords(
  holders: AsyncIterable<PasswordHolder>,
  options: ReportOptions,
): Promise<PasswordReport> {
  const key = randomBytes(32);
  const tally = new Tally(options);
  try {
    for await (const holder of holders) {
      if (options.signal?.aborted) throw new ProtocolError('cancelled', 'the report was cancelled');
      await tally.add(holder, (password) => encodeBase64url(hmacSha256(key, utf8(password))));
    }
    return tally.report();
  } finally {
    wipe(key);
  }
}

class Tally {
  readonly #options: ReportOptions;
  readonly #groups = new Map<string, Map<Uid, ReportedRecord>>();
  readonly #weak = new Map<Uid, Weak>();
  readonly #old: PasswordReport['old'][number][] = [];
  #records = 0;
  #passwords = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  async add({ recordUid, title, passwords, changedAt }: PasswordHolder, macOf: (password: string) => string) {
    const filled = passwords.filter((password) => password !== '');
    if (filled.length === 0) return;
    const record = { recordUid, title };
    this.#records += 1;
    this.#passwords += filled.length;
    if (this.#options.nowMs - changedAt > this.#options.oldAfterMs) this.#old.push({ ...record, changedAt });
    for (const password of filled) {
      this.#group(record, macOf(password));
      const weakness = await findWeakness(password, [title]);
      if (weakness !== null) this.#judge(record, weakness);
    }
  }

  report(): PasswordReport {
    const shared = [...this.#groups.values()].map((holders) => [...holders.values()]);
    return {
      records: this.#records,
      passwords: this.#passwords,
      weak: [...this.#weak.values()].sort((a, b) => a.score - b.score),
      reused: shared.filter(({ length }) => length > 1).sort((a, b) => b.length - a.length),
      old: this.#old.sort((a, b) => a.changedAt - b.changedAt),
    };
  }

  #group(record: ReportedRecord, mac: string): void {
    const holders = this.#groups.get(mac) ?? new Map<Uid, ReportedRecord>();
    this.#groups.set(mac, holders.set(record.recordUid, record));
  }

  #judge(record: ReportedRecord, { score, warning }: Pick<Weak, 'score' | 'warning'>): void {
    const known = this.#weak.get(record.recordUid);
    if (known === undefined || score < known.score)
      this.#weak.set(record.recordUid, { ...record, score, warning });
  }
}
