// Addresses that clients fetch and send files by: without keys or headers of theirs, so the address itself says what for.
import { createHmac, createHash, timingSafeEqual } from 'node:crypto';
import { encodeBase64url, parseBase64url } from '../../protocol/bytes.ts';

/** Who may do what with which file, until when. */
export interface FileTicket {
  /** Of the vault's copy, of what an application added; or to send what was announced. */
  readonly purpose: 'read' | 'read-added' | 'send';
  readonly applicationUid: Uint8Array;
  /** Of the client: see {@link clientPrint}. */
  readonly client: Uint8Array;
  readonly fileUid: Uint8Array;
  /** Milliseconds. */
  readonly expiresAt: number;
}

const purposes = ['read', 'read-added', 'send'] as const;
const context = 'sallyport/v1/file-ticket';
const parts = { purpose: 1, expiry: 6, uid: 16 };
const payloadLength = parts.purpose + parts.expiry + 3 * parts.uid;
const macLength = 16;

/** A script reads its secrets, works, and then fetches a file. */
export const ticketMs = 60 * 60_000;

/** Names a client in a ticket: proxies log addresses, and a client's id is none of their business. 16 bytes. */
export function clientPrint(clientId: Uint8Array): Uint8Array {
  return createHash('sha256').update(clientId).digest().subarray(0, parts.uid);
}

/** Makes and reads tickets: base64url of what they say and the first half of an HMAC-SHA-256 over it. 95 characters. */
export class FileTickets {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  issue({ purpose, applicationUid, client, fileUid, expiresAt }: FileTicket): string {
    const payload = Buffer.alloc(payloadLength);
    payload.writeUInt8(purposes.indexOf(purpose));
    payload.writeUIntBE(expiresAt, parts.purpose, parts.expiry);
    let at = parts.purpose + parts.expiry;
    for (const uid of [applicationUid, client, fileUid]) {
      payload.set(uid, at);
      at += parts.uid;
    }
    return encodeBase64url(Buffer.concat([payload, this.#mac(payload)]));
  }

  /** Null for what this server did not issue, or whose time is over. */
  read(text: string, now: number): FileTicket | null {
    const bytes = bytesIn(text);
    if (bytes?.length !== payloadLength + macLength) return null;
    const payload = bytes.subarray(0, payloadLength);
    if (!timingSafeEqual(bytes.subarray(payloadLength), this.#mac(payload))) return null;
    const purpose = purposes[payload.readUInt8()];
    const expiresAt = payload.readUIntBE(parts.purpose, parts.expiry);
    if (purpose === undefined || expiresAt <= now) return null;
    const uid = (place: number) => {
      const at = parts.purpose + parts.expiry + place * parts.uid;
      return payload.subarray(at, at + parts.uid);
    };
    return { purpose, expiresAt, applicationUid: uid(0), client: uid(1), fileUid: uid(2) };
  }

  #mac(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(context).update(payload).digest().subarray(0, macLength);
  }
}

function bytesIn(text: string): Buffer | null {
  try {
    return Buffer.from(parseBase64url(text));
  } catch {
    return null;
  }
}
