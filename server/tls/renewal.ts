// A certificate that is renewed while the server runs: connections keep the one they have, new ones get the newest.
import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Server } from 'node:https';
import type { Logger } from '../log/logger.ts';
import { dayOf, loadCertificate, type CertificateFiles, type LoadedCertificate } from './certificate.ts';

/** Certificate and key are two files: a change counts once nothing more has come for so long. */
const settleMs = 500;

export interface RenewalParts {
  readonly server: Pick<Server, 'setSecureContext'>;
  readonly files: CertificateFiles;
  /** What the server began with. */
  readonly loaded: LoadedCertificate;
  readonly log: Logger;
}

export class CertificateRenewal {
  readonly #parts: RenewalParts;
  readonly #watchers: FSWatcher[] = [];
  #fingerprint: string;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
    this.#fingerprint = parts.loaded.fingerprint;
  }

  /**
   * Follows the folders of both files: tools replace a file, or a link to it or to its folder, rather than write into it.
   * Where the system cannot tell, SIGHUP still does.
   */
  start(): void {
    const { files, log } = this.#parts;
    for (const folder of new Set([dirname(files.certificate), dirname(files.key)]))
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#onChange());
        watcher.on('error', (error) => log.warn({ event: 'certificate-not-watched', folder, err: error }));
        this.#watchers.push(watcher);
      } catch (error) {
        log.warn({ event: 'certificate-not-watched', folder, err: error });
      }
  }

  /** Takes over what the files hold. What cannot be used is said, and the former goes on. */
  reload(now = Date.now()): void {
    const { server, files, log } = this.#parts;
    try {
      const loaded = loadCertificate(files, now);
      if (loaded.fingerprint === this.#fingerprint) return;
      server.setSecureContext({ cert: loaded.certificate, key: loaded.key });
      this.#fingerprint = loaded.fingerprint;
      log.info({
        event: 'certificate-reloaded',
        fingerprint: loaded.fingerprint,
        until: dayOf(loaded.until),
      });
    } catch (error) {
      log.error({ event: 'certificate-not-reloaded', err: error });
    }
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#watchers.forEach((watcher) => watcher.close());
  }

  #onChange(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.reload(), settleMs);
    this.#timer.unref();
  }
}
