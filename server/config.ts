// Where the server listens, stores and logs: environment variables, or one TOML file, checked before anything starts.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { settings, type SettingName } from './settings.ts';
import { limits } from '../protocol/limits.ts';
import type { BlobLocation } from './blobs/open-blob-store.ts';
import type { LogLevel } from './log/logger.ts';
import { readRelay } from './relay/relay-config.ts';
import type { RelayConfig } from './relay/relay-credentials.ts';
import { CertificateError, readPem, type CertificateFiles } from './tls/certificate.ts';

export interface Config {
  /** Keys, and the embedded store when there is no databaseUrl. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What browsers and gateways call; null: https or http with host and port. */
  readonly publicUrl: string | null;
  /** PEM files, or a certificate of the server's own; null: a proxy in front does TLS. */
  readonly tls: CertificateFiles | 'self-signed' | null;
  readonly databaseUrl: string | null;
  readonly files: {
    readonly store: BlobLocation;
    /** Bytes of one file, and of all sealed files that one account stored. */
    readonly largest: number;
    readonly quota: number;
  };
  /** Days after its last change that a recording is kept, 0: for ever; sealed bytes of those of one account's records. */
  readonly recordings: { readonly retentionDays: number; readonly quota: number };
  /** STUN and TURN servers for sessions; null: none. */
  readonly relay: RelayConfig | null;
  /** Sessions that find no other way may go through this server, sealed. */
  readonly throughServer: boolean;
  readonly openSignUp: boolean;
  readonly logLevel: LogLevel;
  readonly siteFolder: string;
  /** Addresses of reverse proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

/** An error that names the key: shown to the person as it is. */
export class ConfigError extends Error {
  constructor(key: string, problem: string) {
    super(`${key}: ${problem}`);
    this.name = 'ConfigError';
  }
}

/** What the command line says besides. */
export interface Flags {
  readonly selfSigned?: boolean;
}

type Values = Partial<Record<SettingName, string>>;

/** Reads `file` (when given) and the environment, which wins. Throws ConfigError. */
export function readConfig(environment: NodeJS.ProcessEnv, file?: string, flags: Flags = {}): Config {
  const path = file ?? environment['SALLYPORT_CONFIG'];
  const values: Values = { ...(path ? readFile(path) : {}), ...fromEnvironment(environment) };
  requireBothRoles(values.ROLES);
  const dataFolder = resolve(values.SALLYPORT_DATA ?? 'var/server');
  return {
    dataFolder,
    host: values.SALLYPORT_HOST ?? '127.0.0.1',
    port: portIn(values.SALLYPORT_PORT ?? '8443'),
    publicUrl: values.SALLYPORT_PUBLIC_URL ? originIn(values.SALLYPORT_PUBLIC_URL) : null,
    tls: tlsIn(values, flags),
    databaseUrl: values.DATABASE_URL ? databaseUrlIn(values.DATABASE_URL) : null,
    files: {
      store: blobLocationIn(values.BLOB_STORE ?? join(dataFolder, 'files')),
      largest: Math.min(largestFile, sizeIn('FILE_LARGEST', values.FILE_LARGEST ?? '5GiB')),
      quota: sizeIn('FILE_QUOTA', values.FILE_QUOTA ?? '50GiB'),
    },
    recordings: {
      retentionDays: daysIn('RECORDING_DAYS', values.RECORDING_DAYS ?? '365'),
      quota: sizeIn('RECORDING_QUOTA', values.RECORDING_QUOTA ?? '200GiB'),
    },
    relay: readRelay(values, (name, problem) => new ConfigError(name, problem)),
    throughServer: flagIn('RELAY_THROUGH_SERVER', values.RELAY_THROUGH_SERVER ?? 'true'),
    openSignUp: flagIn('OPEN_SIGN_UP', values.OPEN_SIGN_UP ?? 'false'),
    logLevel: levelIn(values.LOG_LEVEL ?? 'info'),
    siteFolder: resolve(values.SALLYPORT_SITE ?? 'dist/web'),
    trustedProxies: (values.TRUSTED_PROXIES ?? '').split(/[\s,]+/).filter((address) => address !== ''),
  };
}

/** What the chunks of one file can hold. */
const largestFile = limits.fileChunks * limits.fileChunk - 1;

function fromEnvironment(environment: NodeJS.ProcessEnv): Values {
  const given = settings.map(({ name }) => [name, environment[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== '')) as Values;
}

function readFile(path: string): Values {
  if (!existsSync(path)) throw new ConfigError(path, 'there is no such configuration file');
  const members = Object.entries(parseToml(path)).flatMap(([key, value]) => settingsIn(key, value));
  return Object.fromEntries(
    members.map(([key, value]) => [nameOf(path, key), textIn(path, key, value)]),
  ) as Values;
}

/** The one table: `secret` in `[relay]` is RELAY_SECRET. */
function settingsIn(key: string, value: unknown): (readonly [string, unknown])[] {
  // A date of TOML is an object without members: as a table it would be no relay at all.
  const isTable =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
  if (key !== 'relay' || !isTable) return [[key, value]];
  return Object.entries(value).map(([name, inner]) => [`${key}_${name}`, inner]);
}

function parseToml(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // The library's message quotes the line, which may hold DATABASE_URL; its first line only says what is wrong.
    throw new ConfigError(path, error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'not TOML');
  }
}

function nameOf(path: string, key: string): SettingName {
  const found = settings.find(({ name }) => name.toLowerCase() === key.toLowerCase());
  if (!found) throw new ConfigError(`${path}: ${key}`, 'there is no such setting (--help lists them)');
  return found.name;
}

function textIn(path: string, key: string, value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value);
  throw new ConfigError(`${path}: ${key}`, 'must be a text, a number, true or false');
}

function portIn(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new ConfigError('SALLYPORT_PORT', 'must be 0 to 65535');
  return port;
}

function originIn(text: string): string {
  if (!URL.canParse(text))
    throw new ConfigError('SALLYPORT_PUBLIC_URL', 'must be an address like https://vault.example');
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol))
    throw new ConfigError('SALLYPORT_PUBLIC_URL', 'must begin with https:// or http://');
  if (url.pathname !== '/' || url.search || url.hash || url.username)
    throw new ConfigError('SALLYPORT_PUBLIC_URL', 'must be a bare address, without path or user');
  return url.origin;
}

/** That both files can be read; whether they are of use, the start says. */
function tlsIn({ TLS_CERT, TLS_KEY }: Values, { selfSigned = false }: Flags): Config['tls'] {
  if (selfSigned && (TLS_CERT || TLS_KEY))
    throw new ConfigError('--self-signed', 'leave it out where there are TLS_CERT and TLS_KEY');
  if (selfSigned) return 'self-signed';
  if (!TLS_CERT && !TLS_KEY) return null;
  if (!TLS_CERT) throw new ConfigError('TLS_CERT', 'must be given together with TLS_KEY');
  if (!TLS_KEY) throw new ConfigError('TLS_KEY', 'must be given together with TLS_CERT');
  const files = { certificate: resolve(TLS_CERT), key: resolve(TLS_KEY) };
  try {
    readPem('TLS_CERT', files.certificate);
    readPem('TLS_KEY', files.key);
  } catch (error) {
    if (error instanceof CertificateError) throw new ConfigError(error.setting, error.problem);
    throw error;
  }
  return files;
}

function databaseUrlIn(text: string): string {
  const known = URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
  if (!known) throw new ConfigError('DATABASE_URL', 'must begin with postgres://'); // never quoted: it holds a password
  return text;
}

/** A folder, or the address of a bucket with its credentials. Never quoted: it holds a secret. */
function blobLocationIn(text: string): BlobLocation {
  if (!/^https?:/.test(text)) return { folder: resolve(text) };
  if (!URL.canParse(text)) throw new ConfigError('BLOB_STORE', 'must be a folder or the address of a bucket');
  const url = new URL(text);
  const { username, password, pathname, searchParams } = url;
  if (!username || !password || !/^\/[^/]+$/.test(pathname))
    throw new ConfigError('BLOB_STORE', 'must be like https://KEY:SECRET@host/bucket?region=eu-central-1');
  return {
    bucket: url.origin + pathname,
    region: searchParams.get('region') ?? 'auto',
    accessKeyId: decodeURIComponent(username),
    secretAccessKey: decodeURIComponent(password),
  };
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

function sizeIn(name: SettingName, text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,15}) ?([KMGT]iB)?$/.exec(text) ?? [];
  const size = Number(number) * (units[unit] ?? 1);
  if (number === '' || !Number.isSafeInteger(size) || size < 1)
    throw new ConfigError(name, 'must be a size like 500MiB or 5GiB');
  return size;
}

function daysIn(name: SettingName, text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new ConfigError(name, 'must be a number of days, or 0');
  return Number(text);
}

function flagIn(name: SettingName, text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new ConfigError(name, 'must be true or false');
}

function levelIn(text: string): LogLevel {
  const levels: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];
  const level = levels.find((known) => known === text);
  if (!level) throw new ConfigError('LOG_LEVEL', `must be one of ${levels.join(', ')}`);
  return level;
}

function requireBothRoles(text = 'worker,head'): void {
  const roles = text
    .split(',')
    .map((role) => role.trim())
    .sort();
  if (roles.join() !== 'head,worker') {
    throw new ConfigError('ROLES', 'must be "worker,head": this version runs both in one process');
  }
}
