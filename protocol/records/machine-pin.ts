// What a machine is known by, as people paste it and as a record keeps it: "type base64" (protocol.md §12.6).
import type { ConnectionProtocol } from './connection-protocols.ts';

/** Bytes of a certificate (DER) that a record keeps, and of a host key. */
const mostBytes = 4 * 1024;

const readers: Readonly<Partial<Record<ConnectionProtocol, (text: string) => string | null>>> = {
  ssh: readHostKey,
  rdp: readCertificate,
};

/** The pin in what somebody pasted; null when there is none that a machine of this protocol could show. */
export function readMachinePin(protocol: ConnectionProtocol, text: string): string | null {
  return readers[protocol]?.(text) ?? null;
}

/** Of a public key file, or of a line of known_hosts. Whether the key is one of its type the gateway sees. */
export function readHostKey(text: string): string | null {
  const pin = /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+=*)(?:\s|$)/.exec(text)?.[1] ?? null;
  return pin === null || pin.length > mostBytes * 2 ? null : pin;
}

/** Of a PEM file's text, lines and all, or of the base64 alone. */
function readCertificate(text: string): string | null {
  const pem = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(text)?.[1];
  const base64 = (pem ?? text).replace(/\s+/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return null;
  if (base64.length > mostBytes * 2) return null;
  const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return isSequence(der) && der.length <= mostBytes ? `x509 ${base64}` : null;
}

/** Whether it is one DER SEQUENCE of more than 127 bytes and nothing else (X.690 §8.1.3, §8.9). */
function isSequence(der: Uint8Array): boolean {
  const [tag, form = 0, ...rest] = der.subarray(0, 4);
  const count = form - 0x80;
  if (tag !== 0x30 || count < 1 || count > 2) return false;
  const length = rest.slice(0, count).reduce((sum, byte) => sum * 256 + byte, 0);
  return der.length === 2 + count + length;
}
