import { rm } from 'node:fs/promises';
import { encodeBase64url, equal, parseBase64url, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { ConfigError } from '../config.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

interface Keys {
  readonly clientId: Bytes;
  readonly privateKey: Bytes;
  readonly appKey: Bytes | null;
}

/**
 * What an enrolment has so far, kept until it is complete. The token works once: when an answer is lost on its way,
 * the same token is good only together with the key that first came with it.
 */
export class PendingEnrolment {
  readonly #path: string;
  #keys: Keys;

  private constructor(path: string, keys: Keys) {
    this.#path = path;
    this.#keys = keys;
  }

  /** Goes on with the enrolment of this client, or begins it and stores its key. */
  static async open(path: string, clientId: Bytes): Promise<PendingEnrolment> {
    const text = await readPrivateFile(path);
    const kept = text === null ? null : parseKeys(path, text);
    if (kept !== null && equal(kept.clientId, clientId)) return new PendingEnrolment(path, kept);
    const { privateKey } = generateEcdhKeyPair();
    const pending = new PendingEnrolment(path, { clientId, privateKey, appKey: null });
    await pending.#write();
    return pending;
  }

  get keys(): Keys {
    return this.#keys;
  }

  async keepAppKey(appKey: Bytes): Promise<void> {
    this.#keys = { ...this.#keys, appKey };
    await this.#write();
  }

  /** The enrolment is complete, and its configuration is on the disk. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async #write(): Promise<void> {
    const { clientId, privateKey, appKey } = this.#keys;
    const members = {
      clientId: encodeBase64url(clientId),
      privateKey: encodeBase64url(privateKey),
      appKey: appKey === null ? null : encodeBase64url(appKey),
    };
    await writePrivateFile(this.#path, `${JSON.stringify(members)}\n`);
  }
}

function parseKeys(path: string, text: string): Keys {
  const form = /^\{"clientId":"([\w-]{86})","privateKey":"([\w-]{43})","appKey":(?:null|"([\w-]{43})")\}\s*$/;
  const match = form.exec(text);
  if (match === null) throw new ConfigError(path, 'is damaged; remove it and use a new token');
  const [, clientId = '', privateKey = '', appKey] = match;
  return {
    clientId: parseBase64url(clientId),
    privateKey: parseBase64url(privateKey),
    appKey: appKey === undefined ? null : parseBase64url(appKey),
  };
}
