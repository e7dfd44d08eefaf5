import {
  decodeBase64,
  encodeBase64,
  encodeBase64url,
  parseBase64url,
  type Bytes,
} from '../protocol/bytes.ts';
import { checkPublicKey, ecdhPublicKey } from '../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { objectIn, parseJson, type JsonObject } from '../protocol/json.ts';
import { parseUid, type Uid } from '../protocol/uid.ts';

/** Who this gateway is and whom it believes: made by enrolment, secret from front to back. */
export interface GatewayConfig {
  /** Origin of the server: https, or http on this very machine. */
  readonly server: string;
  /** SHA-256 of the server's identity key, from the one-time token. */
  readonly serverIdentity: Bytes;
  readonly gatewayUid: Uid;
  /** The PAM configuration record that names this gateway. */
  readonly configurationUid: Uid;
  readonly applicationUid: Uid;
  /** Whose application it is: only records that this account signed count. */
  readonly ownerUid: Uid;
  readonly organisationUid: Uid;
  /** What rosters are verified with: read from the sealed configuration record at enrolment. */
  readonly organisationKey: Bytes;
  /** 64 bytes. */
  readonly clientId: Bytes;
  /** P-256 private key, 32 bytes. */
  readonly privateKey: Bytes;
  /** The application key, 32 bytes. */
  readonly appKey: Bytes;
  /** The roster version that the configuration pinned. */
  readonly rosterVersion: bigint;
}

/** An error that names the key: shown to the person as it is. */
export class ConfigError extends Error {
  constructor(key: string, problem: string) {
    super(`${key}: ${problem}`);
    this.name = 'ConfigError';
  }
}

/** JSON text of a configuration. Secret. */
export function encodeConfig(config: GatewayConfig): string {
  const members = {
    server: config.server,
    serverIdentity: encodeBase64url(config.serverIdentity),
    gatewayUid: config.gatewayUid,
    configurationUid: config.configurationUid,
    applicationUid: config.applicationUid,
    ownerUid: config.ownerUid,
    organisationUid: config.organisationUid,
    organisationKey: encodeBase64url(config.organisationKey),
    clientId: encodeBase64(config.clientId),
    privateKey: encodeBase64url(config.privateKey),
    appKey: encodeBase64url(config.appKey),
    rosterVersion: String(config.rosterVersion),
  };
  return `${JSON.stringify(members, null, 2)}\n`;
}

/** Inverse of {@link encodeConfig}. Throws {@link ConfigError} naming the key and never quoting a value. */
export function parseConfig(text: string): GatewayConfig {
  const members = checked('configuration', () =>
    objectIn(parseJson(text, 'is not JSON'), 'is not an object'),
  );
  const config = {
    server: parseServer(textOf(members, 'server')),
    serverIdentity: bytesOf(members, 'serverIdentity', 32),
    gatewayUid: uidOf(members, 'gatewayUid'),
    configurationUid: uidOf(members, 'configurationUid'),
    applicationUid: uidOf(members, 'applicationUid'),
    ownerUid: uidOf(members, 'ownerUid'),
    organisationUid: uidOf(members, 'organisationUid'),
    organisationKey: bytesOf(members, 'organisationKey', 65),
    clientId: bytesOf(members, 'clientId', 64, decodeBase64),
    privateKey: bytesOf(members, 'privateKey', 32),
    appKey: bytesOf(members, 'appKey', 32),
    rosterVersion: versionOf(members, 'rosterVersion'),
  };
  checked('organisationKey', () => checkPublicKey(config.organisationKey));
  checked('privateKey', () => ecdhPublicKey(config.privateKey));
  return config;
}

/**
 * The origin of a server address. Plain http is for a server on this machine alone: everything is sealed on top,
 * but the network would see who talks to whom. Throws {@link ConfigError}.
 */
export function parseServer(text: string, key = 'server'): string {
  if (!URL.canParse(text)) throw new ConfigError(key, 'must be an address like https://vault.example');
  const url = new URL(text);
  const bare = url.pathname === '/' && !url.search && !url.hash && !url.username;
  if (!bare) throw new ConfigError(key, 'must be a bare address, without path or user');
  if (url.protocol === 'https:') return url.origin;
  const local = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname);
  if (url.protocol === 'http:' && local) return url.origin;
  throw new ConfigError(key, 'must begin with https:// (http:// only for a server on this machine)');
}

function textOf(members: JsonObject, key: string): string {
  const value = members[key];
  if (typeof value !== 'string' || value === '') throw new ConfigError(key, 'is missing or not a text');
  return value;
}

function uidOf(members: JsonObject, key: string): Uid {
  return checked(key, () => parseUid(textOf(members, key)));
}

function versionOf(members: JsonObject, key: string): bigint {
  const text = textOf(members, key);
  if (!/^\d{1,19}$/.test(text)) throw new ConfigError(key, 'is not a number');
  return BigInt(text);
}

function bytesOf(
  members: JsonObject,
  key: string,
  length: number,
  decode: (text: string) => Bytes = parseBase64url,
): Bytes {
  const bytes = checked(key, () => decode(textOf(members, key)));
  if (bytes.length !== length) throw new ConfigError(key, `must be ${length} bytes`);
  return bytes;
}

function checked<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(key, error instanceof ProtocolError ? error.message : 'is not valid');
  }
}
