import { createHash, randomUUID } from 'node:crypto';
import { chown, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuacdPlace } from './lease.ts';

/** Subject and issuer have a place in each line, in base64, and are not compared. */
const unnamed = Buffer.from('-').toString('base64');

interface KnownHost {
  readonly host: string;
  readonly port: number;
  readonly fingerprint: string;
}

/**
 * What FreeRDP is to believe of certificates that no authority vouches for: the one that the gateway expects, at the one
 * place where guacd finds it. So FreeRDP may look at certificates by itself, and an RDP machine that sends guacd on to
 * another machine (a session broker) sends it to one that shows a certificate of an authority, or to nobody.
 */
export class KnownHosts {
  readonly #folder: string;
  readonly #account: GuacdPlace['account'];
  readonly #known = new Set<KnownHost>();
  #writing: Promise<void> = Promise.resolve();

  /**
   * `folder`: FreeRDP's settings, of guacds that serve this gateway alone, and in which the gateway alone makes files.
   * `account`: theirs, when it is not the gateway's. FreeRDP opens no file that it may not write to, though it only reads it.
   */
  constructor(folder: string, account?: GuacdPlace['account']) {
    this.#folder = folder;
    this.#account = account;
  }

  /** Settles when FreeRDP can find it; the result takes it back. Throws when the file cannot be written. */
  async add(host: string, port: number, certificate: Uint8Array): Promise<() => Promise<void>> {
    const known = { host, port, fingerprint: fingerprintOf(certificate) };
    this.#known.add(known);
    try {
      await this.#write();
    } catch (error) {
      this.#known.delete(known);
      throw error;
    }
    return () => (this.#known.delete(known) ? this.#write() : Promise.resolve());
  }

  /** One after another. */
  #write(): Promise<void> {
    const written = this.#writing.then(() => this.#replace());
    this.#writing = written.catch(() => {}); // told to whoever asked
    return written;
  }

  /** In one step: a guacd that connects meanwhile reads all of it or the former one. */
  async #replace(): Promise<void> {
    const unfinished = join(this.#folder, `known_hosts2.${randomUUID()}`);
    try {
      await writeFile(unfinished, this.#text(), { mode: 0o600, flag: 'wx' });
      if (this.#account) await chown(unfinished, this.#account.uid, this.#account.gid);
      await rename(unfinished, join(this.#folder, 'known_hosts2'));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  #text(): string {
    return [...this.#known]
      .map(({ host, port, fingerprint }) => `${host} ${port} ${fingerprint} ${unnamed} ${unnamed}\n`)
      .join('');
  }
}

/** SHA-256, as FreeRDP writes it. */
function fingerprintOf(certificate: Uint8Array): string {
  const digest = createHash('sha256').update(certificate).digest('hex');
  return digest.replace(/..(?!$)/g, '$&:');
}

const ofFolders = new Map<string, KnownHosts>();

/** One for each folder: two writers of a file would take each other's lines away. */
export function knownHostsIn(folder: string, account?: GuacdPlace['account']): KnownHosts {
  const known = ofFolders.get(folder) ?? new KnownHosts(folder, account);
  ofFolders.set(folder, known);
  return known;
}
