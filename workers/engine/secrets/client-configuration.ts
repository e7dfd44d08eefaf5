// What a device of an application is given to begin with. secrets-manager-protocol.md §1.1, §10.
import { encodeBase64, encodeBase64url, utf8, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { pkcs8Of, type EcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import type { ServerPublicKey } from '../../../protocol/transmission/server-keys.ts';

/** Everything that a client asks its storage for. */
export interface ClientConfiguration {
  /** With its port, where it has one of its own. */
  readonly hostname: string;
  readonly clientId: Bytes;
  readonly keys: EcdhKeyPair;
  readonly appKey: Bytes;
  readonly appOwnerPublicKey: Bytes;
  readonly serverKey: ServerPublicKey;
}

/** A one-time token as clients take it: its host goes with it only where that has no port, for they split at colons. */
export function tokenText(token: Bytes, { host, hostname }: Pick<URL, 'host' | 'hostname'>): string {
  const text = encodeBase64url(token);
  return host === hostname && !host.includes(':') ? `${host}:${text}` : text;
}

/** The configuration as JSON text. */
export function configurationJson(configuration: ClientConfiguration): string {
  const { hostname, clientId, keys, appKey, appOwnerPublicKey, serverKey } = configuration;
  const privateKey = pkcs8Of(keys); // scalar at 36..68, point in the last 65 bytes: where clients look for them
  const json = {
    hostname,
    clientId: encodeBase64(clientId),
    privateKey: encodeBase64(privateKey),
    appKey: encodeBase64(appKey),
    appOwnerPublicKey: encodeBase64(appOwnerPublicKey),
    serverPublicKeyId: String(serverKey.id),
    serverPublicKey: encodeBase64url(serverKey.publicKey),
  };
  wipe(privateKey);
  return JSON.stringify(json, null, 2);
}

/** The same as `KSM_CONFIG` takes it. */
export function configurationBase64(json: string): string {
  return encodeBase64(utf8(json));
}

/** The same as a Secret of Kubernetes, whose key is `config`. */
export function kubernetesSecret(name: string, json: string): string {
  return [
    'apiVersion: v1',
    'kind: Secret',
    'metadata:',
    `  name: ${secretName(name)}`,
    'type: Opaque',
    'data:',
    `  config: ${configurationBase64(json)}`,
    '',
  ].join('\n');
}

/** RFC 1123 label: what a cluster takes as a name. */
function secretName(name: string): string {
  const label = name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return label === '' ? 'sallyport-config' : `${label}-config`;
}
