import { decodeBase64, encodeBase64, type Bytes } from '../../protocol/bytes.ts';
import { parseSessionPolicy } from '../../protocol/signed/session-policy.ts';
import { ConfigError } from '../config.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

const shape = /^\{"sessionPolicy":"([A-Za-z0-9+/]{1,32768}={0,2})"\}\s*$/;

/** The newest policy for sessions that this gateway took, as its owner signed it, kept over restarts where there is a file. */
export class SessionPolicyFile {
  readonly #path: string | null;
  #signed: Bytes | null;

  private constructor(path: string | null, signed: Bytes | null) {
    this.#path = path;
    this.#signed = signed;
  }

  /** For as long as the process lives: a gateway without a place to store it. */
  static inMemory(): SessionPolicyFile {
    return new SessionPolicyFile(null, null);
  }

  /** Reads the file if there is one. No path: as {@link inMemory}. Throws {@link ConfigError}. */
  static async open(path: string | null): Promise<SessionPolicyFile> {
    const text = path === null ? null : await readPrivateFile(path);
    return new SessionPolicyFile(path, text === null ? null : parse(path ?? '', text));
  }

  /** Encoded SignedSessionPolicy, well formed; null: there was none yet. */
  get signed(): Bytes | null {
    return this.#signed;
  }

  /** Settles when it is on the disk, and counts from then on. */
  async keep(signed: Bytes): Promise<void> {
    const text = `${JSON.stringify({ sessionPolicy: encodeBase64(signed) })}\n`;
    if (this.#path !== null) await writePrivateFile(this.#path, text);
    this.#signed = signed;
  }
}

/** Starting from nothing would take a former policy anew: a person has to look. */
function parse(path: string, text: string): Bytes {
  try {
    const signed = decodeBase64(shape.exec(text)?.[1] ?? '');
    parseSessionPolicy(signed);
    return signed;
  } catch {
    throw new ConfigError(path, 'is damaged; put it back from a backup, or enrol this gateway again');
  }
}
