import { decodeBase64, encodeBase64url, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { firstText, type RecordContent } from '../../protocol/records/content.ts';
import {
  readHostname,
  readPamResources,
  readPamSettings,
  requireSession,
  type ConnectionSettings,
} from '../../protocol/records/pam-settings.ts';
import { readSessionSettings, type SessionSettings } from '../../protocol/records/session-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { GatewayConfig } from '../config.ts';
import { Refusal, type RefusalCode } from '../router/refusal.ts';
import type { ReadCopy, RecordReader } from './record-reader.ts';

/** Characters of a password or key. An RSA key of 16384 bits has 13,000. */
const longestSecret = 32 * 1024;
const longestName = 1_024;

/** What a sealed machine record says about its connection. */
export interface Machine {
  /** Whose record it is. */
  readonly ownerUid: Uid;
  /** Of the record's key. */
  readonly keyVersion: number;
  readonly host: string;
  readonly port: number;
  readonly connection: ConnectionSettings;
  readonly settings: SessionSettings;
  /** null: the machine names none. */
  readonly launchCredentialUid: Uid | null;
  /** 32 bytes; the caller wipes them. */
  readonly trafficSeed: Bytes;
  /** Of the record's copy, 32 bytes; the caller wipes them. */
  readonly copyKey: Bytes;
}

/** How to log in, each part as far as it is there. Strings cannot be wiped: whoever gets this holds it in the scrubber and lets go soon. */
export interface Credential {
  readonly username: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly passphrase?: string;
}

/** What the server gave for a machine. */
export interface ReadMachine {
  readonly machine: Machine;
  /** The roster that the configuration demands. */
  readonly rosterVersion: bigint;
  readonly revision: bigint;
  readonly configurationRevision: bigint;
}

export interface MachineReaderOptions {
  readonly reader: RecordReader;
  readonly config: GatewayConfig;
  readonly devicePublicKey: Bytes;
}

/** Follows the sealed records from a machine to what opens it, and checks that each names this gateway. */
export class MachineReader {
  readonly #options: MachineReaderOptions;

  constructor(options: MachineReaderOptions) {
    this.#options = options;
  }

  /** The machine, as it and its configuration are sealed now. Throws a {@link Refusal}. */
  async readMachine(recordUid: Uid, signal: AbortSignal): Promise<ReadMachine> {
    const { reader, config } = this.#options;
    const [record, configuration] = await reader.read([recordUid, config.configurationUid], signal);
    if (!record || !configuration) throw new Refusal('record-unavailable');
    return understanding(() => ({
      rosterVersion: this.#checkConfiguration(configuration.content),
      machine: machineOf(record, config.configurationUid),
      revision: record.revision,
      configurationRevision: configuration.revision,
    }));
  }

  /** The credential that a machine names, of at least this revision. Throws a {@link Refusal}. */
  async readCredential(credentialUid: Uid, revision: bigint, signal: AbortSignal): Promise<Credential> {
    const [record] = await this.#options.reader.read([credentialUid], signal);
    if (!record) throw new Refusal('record-unavailable');
    requireRevision(record.revision, revision);
    return understanding(() => linkedCredential(record.content));
  }

  /** The configuration must still say what was pinned at enrolment: who we are, and who signs rosters. */
  #checkConfiguration(record: RecordContent): bigint {
    const { config, devicePublicKey } = this.#options;
    const resources = readPamResources(record);
    const same =
      resources.controllerUid === config.gatewayUid &&
      resources.applicationUid === config.applicationUid &&
      resources.organisationUid === config.organisationUid &&
      resources.organisationKey === encodeBase64url(config.organisationKey);
    if (!same)
      throw new Refusal('untrusted-record', 'the configuration names another gateway or organisation');
    const { gatewayKey } = resources;
    if (gatewayKey !== undefined && gatewayKey !== encodeBase64url(devicePublicKey)) {
      throw new Refusal('untrusted-record', 'the configuration pins the key of another gateway');
    }
    return BigInt(Math.max(0, Math.trunc(resources.rosterVersion)));
  }
}

/** The server keeps the copies and could give a former one: with another pin, host or password. protocol.md §12.6. */
export function requireRevision(given: bigint, stated: bigint): void {
  if (given < stated) throw new Refusal('record-outdated', 'the server gives an older copy of a record');
}

function machineOf(
  { content: record, ownerUid, keyVersion, copyKey }: ReadCopy,
  configurationUid: Uid,
): Machine {
  const settings = readPamSettings(record);
  requireSession(settings);
  const session = readSessionSettings(record);
  if (session === null) throw new Refusal('unsupported', 'no sessions over this protocol');
  const { connection, configurationUid: named } = settings;
  if (named !== configurationUid)
    throw new Refusal('untrusted-record', 'the machine belongs to another gateway');
  const { launchCredentialUid = null } = connection;
  const trafficSeed = decodeBase64(toStandard(firstText(record, 'trafficEncryptionSeed')));
  if (trafficSeed.length !== 32) throw new Refusal('untrusted-record', 'the machine has no traffic seed');
  return {
    ...{ ownerUid, keyVersion, ...readHostname(record), connection, settings: session },
    ...{ launchCredentialUid, trafficSeed, copyKey },
  };
}

function linkedCredential(record: RecordContent): Credential {
  return credentialOf({
    username: firstText(record, 'login'),
    password: firstText(record, 'password'),
    privateKey: firstText(record, 'secret', 'privatePEMKey'),
    passphrase: firstText(record, 'secret', 'passphrase'),
  });
}

/** Without the parts that are empty. Throws a {@link Refusal} of that code for what is too long. */
export function credentialOf(
  { username, ...secrets }: Required<Credential>,
  tooLong: RefusalCode = 'untrusted-record',
): Credential {
  const present = Object.entries(secrets).filter(([, value]) => value !== '');
  // The log's scrubber holds every line of every form of it.
  if (username.length > longestName || present.some(([, value]) => value.length > longestSecret))
    throw new Refusal(tooLong, 'a part of the credential is too long');
  return { username, ...Object.fromEntries(present) };
}

/** Other writers of this format use the url alphabet. */
function toStandard(base64: string): string {
  return base64.replaceAll('-', '+').replaceAll('_', '/');
}

/** A record that opened and says nonsense was written so by its owner: the message names what is wrong. */
function understanding<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new Refusal('untrusted-record', error.message);
  }
}
