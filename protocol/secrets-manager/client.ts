import { encodeBase64, parseUtf8, type Bytes } from '../bytes.ts';
import { ecdhPublicKey } from '../crypto/ecdh.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError, toProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Uid } from '../uid.ts';
import { parseErrorBody, refusalError, type SecretsManagerRefusal } from './error-body.ts';
import { openLegacyBlob, unwrapLegacyKey } from './legacy-crypto.ts';
import { sealSecretsManagerRequest, type SecretsManagerServerKey } from './request.ts';
import { parseSecretsResponse, type SecretsRecord, type SecretsResponse } from './responses.ts';

/** As much of fetch as is needed. Time limits and cancelling are the caller's, inside it. */
export type SecretsManagerFetch = (
  url: string,
  init: { readonly method: 'POST'; readonly headers: Record<string, string>; readonly body: Bytes },
) => Promise<{ readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>;

export interface SecretsManagerClientOptions {
  /** Origin of the server, "https://vault.example.org". */
  readonly url: string;
  readonly fetch: SecretsManagerFetch;
  readonly serverKey: SecretsManagerServerKey;
  /** 64 bytes, see client-id.ts. */
  readonly clientId: Bytes;
  /** P-256, 32 bytes: signs every request. */
  readonly privateKey: Bytes;
  /** 32 bytes; null until {@link SecretsManagerClient.bind}. */
  readonly appKey?: Bytes | null;
  /** Waits before asking a throttling server again. */
  readonly wait: (ms: number) => Promise<void>;
  readonly clientVersion?: string;
}

export interface OpenedSecret {
  readonly recordUid: string;
  /** The key of the copy, 32 bytes: from it comes the record's resource key. */
  readonly key: Bytes;
  /** Record JSON, perhaps with trailing spaces. */
  readonly content: string;
  readonly revision: number;
  readonly isEditable: boolean;
}

/** Which records; without any, all of the application. */
export interface SecretsFilter {
  readonly records?: readonly Uid[];
}

export interface OpenedSecrets {
  readonly records: readonly OpenedSecret[];
  /** UIDs of records that did not open: a wrong or foreign key. */
  readonly unreadable: readonly string[];
  readonly appKey: Bytes;
  /** Milliseconds; 0 is never. */
  readonly expiresOn: number;
  readonly warnings: readonly string[];
}

/** What binding gives, once: to be kept before the server forgets its copy. */
export interface BoundClient {
  readonly appKey: Bytes;
  /** 65 bytes, or null when the server names none. */
  readonly appOwnerPublicKey: Bytes | null;
}

/**
 * A client device of a secrets-manager application (protocol.md §10.4). Methods throw `not-allowed`,
 * `unknown-server-key`, `too-many-requests`, `unavailable`, `open-failed`, `malformed`, or `refused`.
 */
export class SecretsManagerClient {
  readonly #options: SecretsManagerClientOptions;
  #appKey: Bytes | null;

  constructor(options: SecretsManagerClientOptions) {
    this.#options = options;
    this.#appKey = options.appKey ?? null;
  }

  /**
   * First access with a one-time token of 32 bytes. `keep` stores what it gets; only when that is done the call is
   * repeated without the public key, which lets the server erase the wrapped application key for good. Until then
   * the same client may bind again. Gives the records of the application, or those named.
   */
  async bind(
    token: Bytes,
    keep: (bound: BoundClient) => Promise<void> | void,
    filter: SecretsFilter = {},
  ): Promise<OpenedSecrets> {
    const publicKey = encodeBase64(ecdhPublicKey(this.#options.privateKey));
    const first = parseSecretsResponse(await this.#call('get_secret', { publicKey, ...membersOf(filter) }));
    if (first.encryptedAppKey === null) throw new ProtocolError('malformed', 'the server sent no key');
    const appKey = await unwrapLegacyKey(token, first.encryptedAppKey);
    await keep({ appKey, appOwnerPublicKey: first.appOwnerPublicKey });
    this.#appKey = appKey;
    try {
      return await this.getSecret(filter);
    } catch {
      // The client is bound and its key is kept: any later call will do as the acknowledgement.
      return await openSecrets(appKey, first);
    }
  }

  /** The records of the application, or those named; what is not there is left out. */
  async getSecret(filter: SecretsFilter = {}): Promise<OpenedSecrets> {
    if (this.#appKey === null) throw new ProtocolError('not-allowed', 'the client is not bound');
    const answer = await this.#call('get_secret', membersOf(filter));
    return await openSecrets(this.#appKey, parseSecretsResponse(answer));
  }

  /** Asks again, a few times and ever more slowly, while the server throttles. */
  async #call(method: string, members: object): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(method, members);
      if (outcome.refusal === null) return outcome.json;
      const { status, refusal } = outcome;
      if (refusal.error !== 'throttled' || attempt >= limits.secretsManagerRetries) {
        throw refusalError(status, refusal);
      }
      await this.#options.wait(retryDelayMs(attempt, refusal.retryAfter, (randomBytes(1)[0] ?? 0) / 255));
    }
  }

  async #attempt(method: string, members: object): Promise<Outcome> {
    const { clientId, clientVersion = 'sp0.1.0', serverKey, privateKey, url } = this.#options;
    const payload = { clientVersion, clientId: encodeBase64(clientId), ...members };
    const request = await sealSecretsManagerRequest(serverKey, privateKey, payload);
    const { status, body } = await this.#post(`${url}/api/rest/sm/v1/${method}`, request);
    if (status === 200) return { refusal: null, json: await request.openResponse(body) };
    return { refusal: parseErrorBody(body), status };
  }

  async #post(url: string, request: { headers: Readonly<Record<string, string>>; body: Bytes }) {
    try {
      const headers = { ...request.headers };
      const response = await this.#options.fetch(url, { method: 'POST', headers, body: request.body });
      return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
    } catch (error) {
      throw toProtocolError(error) ?? new ProtocolError('unavailable', 'the server cannot be reached');
    }
  }
}

function membersOf({ records }: SecretsFilter): { requestedRecords?: readonly Uid[] } {
  return records === undefined ? {} : { requestedRecords: records };
}

type Outcome =
  | { readonly refusal: null; readonly json: unknown }
  | { readonly refusal: SecretsManagerRefusal; readonly status: number };

/** Seconds that the server asked for, else 11 s doubling; 25 % either way so that clients do not come back at once. */
export function retryDelayMs(attempt: number, retryAfter: number | null, random: number): number {
  const seconds = Math.min(retryAfter ?? 11 * 2 ** attempt, 176);
  return seconds * 1000 * (0.75 + random / 2);
}

/** Opens every record with the application key, through its folder where it has one. */
async function openSecrets(appKey: Bytes, response: SecretsResponse): Promise<OpenedSecrets> {
  const opened = new Map<string, OpenedSecret>();
  const failed = new Set<string>();
  const take = async (key: Bytes | null, records: readonly SecretsRecord[]) => {
    for (const record of records) {
      const secret = key === null ? null : await openRecord(key, record);
      if (secret === null) failed.add(record.recordUid);
      else if (!opened.has(record.recordUid)) opened.set(record.recordUid, secret);
    }
  };
  await take(appKey, response.records);
  for (const folder of response.folders) {
    await take(await orNull(unwrapLegacyKey(appKey, folder.folderKey)), folder.records);
  }
  return {
    records: [...opened.values()],
    // A record that is shared in two ways counts as read when one of them opens.
    unreadable: [...failed].filter((uid) => !opened.has(uid)),
    appKey,
    expiresOn: response.expiresOn,
    warnings: response.warnings,
  };
}

async function openRecord(key: Bytes, record: SecretsRecord): Promise<OpenedSecret | null> {
  const recordKey = await orNull(unwrapLegacyKey(key, record.recordKey));
  const data = recordKey === null ? null : await orNull(openLegacyBlob(recordKey, record.data));
  const content = data === null ? null : await orNull(Promise.resolve(data).then(parseUtf8));
  if (recordKey === null || content === null) return null;
  const { recordUid, revision, isEditable } = record;
  return { recordUid, key: recordKey, content, revision, isEditable };
}

/** A failed opening as a value: the record is listed as unreadable. */
async function orNull<T>(opening: Promise<T>): Promise<T | null> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
