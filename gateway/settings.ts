import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { limits } from '../protocol/limits.ts';
import { ConfigError } from './config.ts';
import type { GuacdPlace } from './guacd/lease.ts';
import { logLevels, type LogLevel } from './log/logger.ts';

/** Where this gateway runs, as opposed to who it is: environment variables, flags win. */
export interface Settings {
  readonly guacd: GuacdPlace;
  readonly media: MediaSettings;
  /** Where recordings wait for the server; null: beside the configuration, if that is a file. And how many bytes may. */
  readonly recordings: { readonly folder: string | null; readonly mostBytes: number };
  /** The drives of RDP sessions; null: beside the configuration, or where guacd's account may go. Bytes in each. */
  readonly drives: { readonly folder: string | null; readonly mostBytes: number };
  readonly logLevel: LogLevel;
  /** PEM certificates to believe besides the system's, for the server's TLS. */
  readonly certificateAuthority: string | null;
}

export interface MediaSettings {
  /** Address that ICE uses; null: every interface. */
  readonly bindAddress: string | null;
  /** One UDP port for all sessions, for administrators who open one; null: a free port for each. */
  readonly port: number | null;
  /** So long a session waits for a page that lost its connection, unless its record says otherwise. */
  readonly reconnectMs: number;
  /** A page without another path may come through the server, sealed. */
  readonly throughServer: boolean;
}

const names = {
  GUACD_POOL: 'Unix socket that gives each session a guacd of its own, instead of host and port',
  GUACD_HOST: 'host of guacd (default 127.0.0.1)',
  GUACD_PORT: 'port of guacd (default 4822)',
  GUACD_PLUGINS: 'false: its FreeRDP has no plug-ins for channels, so no drive and no sound over RDP',
  GUACD_FREERDP: 'folder of the settings of guacd’s FreeRDP 2, which the gateway alone writes',
  GUACD_ACCOUNT: 'UID:GID under which guacd runs, where the gateway is root and guacd is not',
  SALLYPORT_GATEWAY_BIND: 'IP address for WebRTC (default: every interface)',
  SALLYPORT_GATEWAY_PORT: 'one UDP port for all WebRTC traffic (default: a free port for each page)',
  SALLYPORT_GATEWAY_RECONNECT_SECONDS:
    'seconds that a session waits for a page that lost its connection (0 to 900, default 120)',
  SALLYPORT_GATEWAY_THROUGH_SERVER:
    'false: no session goes through the server, whatever path it lacks (default true)',
  SALLYPORT_GATEWAY_CA: 'PEM file with further certificate authorities for the server',
  SALLYPORT_GATEWAY_RECORDINGS:
    'folder where recordings wait for the server (default: beside the configuration)',
  SALLYPORT_GATEWAY_RECORDINGS_GIB: 'GiB that may wait there (default 10)',
  SALLYPORT_GATEWAY_DRIVES:
    'folder for the drives of running RDP sessions (default: beside the configuration, or where guacd may go)',
  SALLYPORT_GATEWAY_DRIVE_GIB: 'GiB that the drive of one session may hold (default 10)',
  LOG_LEVEL: 'silent, error, warn, info or debug (default info)',
} as const;

export type SettingName = keyof typeof names;

/** What `--help` says of them. */
export const settingsHelp = Object.entries(names)
  .map(([name, text]) => `  ${name.padEnd(34)}${text}`)
  .join('\n');

/** Throws {@link ConfigError} that names the key. */
export function readSettings(environment: Readonly<Partial<Record<string, string>>>): Settings {
  const given = (name: SettingName) => environment[name] || null;
  const bindAddress = given('SALLYPORT_GATEWAY_BIND');
  if (bindAddress !== null && isIP(bindAddress) === 0)
    throw new ConfigError('SALLYPORT_GATEWAY_BIND', 'must be an IP address');
  const port = given('SALLYPORT_GATEWAY_PORT');
  const authority = given('SALLYPORT_GATEWAY_CA');
  return {
    guacd: guacdIn(given),
    media: {
      bindAddress,
      port: port === null ? null : portIn('SALLYPORT_GATEWAY_PORT', port),
      reconnectMs: reconnectIn('SALLYPORT_GATEWAY_RECONNECT_SECONDS', environment),
      throughServer: flagIn(
        'SALLYPORT_GATEWAY_THROUGH_SERVER',
        given('SALLYPORT_GATEWAY_THROUGH_SERVER') ?? 'true',
      ),
    },
    recordings: {
      folder: given('SALLYPORT_GATEWAY_RECORDINGS'),
      mostBytes: gibIn('SALLYPORT_GATEWAY_RECORDINGS_GIB', given('SALLYPORT_GATEWAY_RECORDINGS_GIB') ?? '10'),
    },
    drives: {
      folder: given('SALLYPORT_GATEWAY_DRIVES'),
      mostBytes: gibIn('SALLYPORT_GATEWAY_DRIVE_GIB', given('SALLYPORT_GATEWAY_DRIVE_GIB') ?? '10'),
    },
    logLevel: levelIn(given('LOG_LEVEL') ?? 'info'),
    certificateAuthority: authority === null ? null : pemIn('SALLYPORT_GATEWAY_CA', authority),
  };
}

function guacdIn(given: (name: SettingName) => string | null): GuacdPlace {
  const pool = given('GUACD_POOL');
  const [account, freerdp] = [given('GUACD_ACCOUNT'), given('GUACD_FREERDP')];
  const traits = {
    plugins: flagIn('GUACD_PLUGINS', given('GUACD_PLUGINS') ?? 'true'),
    ...(freerdp !== null && { freerdp }),
    ...(account !== null && { account: accountIn('GUACD_ACCOUNT', account) }),
  };
  if (pool !== null && given('GUACD_HOST') === null) return { pool, ...traits };
  const host = given('GUACD_HOST') ?? '127.0.0.1';
  return { host, port: portIn('GUACD_PORT', given('GUACD_PORT') ?? '4822'), ...traits };
}

function accountIn(name: SettingName, text: string): { readonly uid: number; readonly gid: number } {
  const [, uid, gid] = /^(\d{1,9}):(\d{1,9})$/.exec(text) ?? [];
  if (uid === undefined || gid === undefined) throw new ConfigError(name, 'must be UID:GID');
  return { uid: Number(uid), gid: Number(gid) };
}

function portIn(name: SettingName, text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new ConfigError(name, 'must be 1 to 65535');
  return port;
}

function reconnectIn(name: SettingName, environment: Readonly<Partial<Record<string, string>>>): number {
  const text = environment[name];
  if (!text) return limits.resume.usualMs;
  const milliseconds = Number(text) * 1_000;
  if (!/^\d{1,3}$/.test(text) || milliseconds > limits.resume.longestMs)
    throw new ConfigError(name, 'must be 0 to 900');
  return milliseconds;
}

function flagIn(name: SettingName, text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new ConfigError(name, 'must be true or false');
}

function gibIn(name: SettingName, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new ConfigError(name, 'must be 1 to 99999');
  return Number(text) * 2 ** 30;
}

function levelIn(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw new ConfigError('LOG_LEVEL', `must be one of ${logLevels.join(', ')}`);
  return level;
}

function pemIn(name: SettingName, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ConfigError(name, `cannot read ${path}`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new ConfigError(name, `${path} is not a PEM file`);
  return text;
}
