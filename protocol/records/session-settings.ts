import { ProtocolError } from '../errors.ts';
import { memberOf } from './withholding.ts';
import { firstValue, type FieldValue, type RecordContent } from './content.ts';
import { readPamSettings, settingsFieldOf } from './pam-settings.ts';

/** What a session is told by its record beside host, port and credential; for each protocol that has sessions. */
export type SessionSettings = SshSettings | TelnetSettings | VncSettings | RdpSettings;

export interface SshSettings {
  readonly protocol: 'ssh';
  /** In place of the account's shell; empty: the shell. */
  readonly command: string;
  /** null: none. */
  readonly files: FileSettings | null;
}

/** What a session has of the machine's files. */
export interface FileSettings {
  /** Nothing outside of this folder of the machine; empty: everything that the account may. */
  readonly root: string;
  /** Files, folders and names may be changed. */
  readonly upload: boolean;
  /** What is in files may be read. */
  readonly download: boolean;
}

/** POSIX extended expressions by which guacd knows a login by its text; empty: guacd's own. */
export interface TelnetSettings {
  readonly protocol: 'telnet';
  readonly usernameRegex: string;
  readonly passwordRegex: string;
  readonly loginSuccessRegex: string;
  readonly loginFailureRegex: string;
}

export interface VncSettings {
  readonly protocol: 'vnc';
  /** Behind a repeater, which the record's host is then; empty: none. */
  readonly destHost: string;
  readonly destPort: number | null;
  /** A PulseAudio server whose sound is heard, as the gateway reaches it; empty: the machine's own. null: no sound. */
  readonly audioServer: string | null;
}

export const rdpSecurities = ['any', 'nla', 'tls', 'vmconnect', 'rdp'] as const;
export type RdpSecurity = (typeof rdpSecurities)[number];

export interface RdpSettings {
  readonly protocol: 'rdp';
  readonly security: RdpSecurity;
  /** Whoever answers for the machine is believed. */
  readonly ignoreCert: boolean;
  readonly disableAuth: boolean;
  readonly loadBalanceInfo: string;
  readonly preconnectionId: number | null;
  readonly preconnectionBlob: string;
  readonly disableAudio: boolean;
  /** A drive that the machine sees while the session lasts; null: none. It has no root of its own. */
  readonly drive: FileSettings | null;
  readonly enableFullWindowDrag: boolean;
  readonly enableWallpaper: boolean;
  /** The desktop takes on the size of the window. */
  readonly resizes: boolean;
}

/** UTF-16 units of one text. */
const longestText = 1_024;
const longestExpression = 256;

/**
 * The settings of the record's protocol; null when sessions over it do not exist. Throws `malformed`, naming the setting
 * that cannot be meant: one that is left out silently could be the one that made the session safe.
 */
export function readSessionSettings(content: RecordContent): SessionSettings | null {
  const { protocol } = readPamSettings(content).connection;
  const read = new SettingReader(firstValue(content, settingsFieldOf(content.type)));
  switch (protocol) {
    case 'ssh':
      return { protocol, command: read.text('command'), files: read.files() };
    case 'telnet':
      return {
        protocol,
        usernameRegex: read.expression('usernameRegex'),
        passwordRegex: read.expression('passwordRegex'),
        loginSuccessRegex: read.expression('loginSuccessRegex'),
        loginFailureRegex: read.expression('loginFailureRegex'),
      };
    case 'vnc':
      return {
        protocol,
        destHost: read.host('destHost'),
        destPort: read.integer('destPort', 1, 65_535),
        audioServer: read.isOn('enableAudio') ? read.host('audioServername') : null,
      };
    case 'rdp':
      return {
        protocol,
        security: read.oneOf('security', rdpSecurities),
        ignoreCert: read.isOn('ignoreCert'),
        disableAuth: read.isOn('disableAuth'),
        loadBalanceInfo: read.text('loadBalanceInfo'),
        preconnectionId: read.integer('preconnectionId', 0, 0xffff_ffff),
        preconnectionBlob: read.text('preconnectionBlob'),
        disableAudio: read.isOn('disableAudio'),
        drive: read.drive(),
        enableFullWindowDrag: read.isOn('enableFullWindowDrag'),
        enableWallpaper: read.isOn('enableWallpaper'),
        resizes: read.oneOf('resizeMethod', ['', 'display-update']) === 'display-update',
      };
    default:
      return null;
  }
}

/** Reads members of `connection`; what is not set counts as its usual value. */
class SettingReader {
  readonly #value: FieldValue | undefined;

  constructor(value: FieldValue | null) {
    this.#value = value ?? undefined;
  }

  /** One line. */
  text(name: string): string {
    const value = this.#member(name) ?? '';
    if (typeof value !== 'string' || value.length > longestText || hasControls(value)) throw unmeant(name);
    return value;
  }

  host(name: string): string {
    const value = this.text(name).trim();
    if (!/^[\w.:%-]{0,253}$/.test(value)) throw unmeant(name);
    return value;
  }

  /**
   * guacd compiles it for its own process: back references and counted repetitions of repetitions take it any time and
   * memory.
   */
  expression(name: string): string {
    const value = this.text(name);
    const counted = value.match(/\{/g)?.length ?? 0;
    if (value.length > longestExpression || /\\[1-9]/.test(value) || counted > 1) throw unmeant(name);
    return value;
  }

  /** Off unless the record says otherwise. */
  files(): FileSettings | null {
    const [root, noUpload, noDownload] = [
      this.text('sftp.sftpRootDirectory'),
      this.isOn('sftp.disableUpload'),
      this.isOn('sftp.disableDownload'),
    ];
    return this.isOn('sftp.enableSftp') ? { root, upload: !noUpload, download: !noDownload } : null;
  }

  /** Off unless the record says otherwise. */
  drive(): FileSettings | null {
    const [noUpload, noDownload] = [this.isOn('drive.disableUpload'), this.isOn('drive.disableDownload')];
    return this.isOn('drive.enableDrive') ? { root: '', upload: !noUpload, download: !noDownload } : null;
  }

  integer(name: string, min: number, max: number): number | null {
    const value = this.#member(name) ?? '';
    if (value === '') return null;
    const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max)
      throw unmeant(name);
    return number;
  }

  isOn(name: string): boolean {
    const value = this.#member(name) ?? false;
    if (typeof value !== 'boolean') throw unmeant(name);
    return value;
  }

  /** The first one is the usual. */
  oneOf<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Value {
    const value = this.#member(name) ?? '';
    const found = value === '' ? values[0] : values.find((one) => one === value);
    if (found === undefined) throw unmeant(name);
    return found;
  }

  #member(name: string): unknown {
    return memberOf(this.#value, `connection.${name}`) ?? undefined;
  }
}

function hasControls(text: string): boolean {
  return /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
}

function unmeant(name: string): ProtocolError {
  return new ProtocolError('malformed', `${name} is not valid`);
}
