import { parseUid, type Uid } from '../uid.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  connectionKindOf,
  connectionProtocolOf,
  protocolsOf,
  type ConnectionProtocol,
} from './connection-protocols.ts';
import { firstValue, withValue, type FieldValue, type RecordContent } from './content.ts';

/** Value of a machine's `pamSettings` field: sealed, so it is authoritative for gateway, credential and host key. */
export interface PamSettings {
  /** The PAM configuration record, which names the gateway. */
  readonly configurationUid?: Uid;
  readonly connection: ConnectionSettings;
  /** base64url, 72 bytes: the owner's counted word on where the machine leads (protocol/signed/connection-signature.ts). */
  readonly confirmation?: string;
}

export interface ConnectionSettings {
  readonly protocol: ConnectionProtocol;
  /** The pamUser record whose credential opens the session. */
  readonly launchCredentialUid?: Uid;
  /** The machine of the same gateway through whose SSH this one is reached. protocol.md §12.11. */
  readonly jumpMachineUid?: Uid;
  /** "type base64", as known_hosts writes it. */
  readonly hostKey?: string;
  /** `ask`: an unknown host key is shown and refused until a person accepts it. */
  readonly hostKeyPolicy: 'ask' | 'trust-on-first-use';
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
  /** Whoever connects may bring a login of their own in place of the launch credential. */
  readonly allowSupplyUser: boolean;
  /** One of guacd's four, or a list of colours as X writes them ("foreground: rgb:d0/d0/d0; color1: #a00"). */
  readonly colorScheme: string;
  readonly fontSize: number;
  readonly scrollback: number;
  readonly limits: LimitSettings;
  /** Person, machine and time are drawn over the screen. */
  readonly watermark: boolean;
  readonly recording: RecordingSettings;
  /** Seconds that a session waits for a page that lost its connection, 0 to 900; absent: as its gateway is set. */
  readonly reconnectSeconds?: number;
  /** How whoever opened a session may share it; absent: its owner to type, nobody else. */
  readonly sharing?: SharingPolicy;
}

/** Not at all, for others to look on, or to type too. */
export const sharingPolicies = ['off', 'watch', 'type'] as const;
export type SharingPolicy = (typeof sharingPolicies)[number];

/** How long a session lasts, in minutes; 0: without such a limit. */
export interface LimitSettings {
  /** Without input. */
  readonly idle: number;
  readonly longest: number;
}

/** What of a session is recorded, and whether there is one without it. */
export interface RecordingSettings {
  readonly graphical: boolean;
  /** Of a terminal: what guacd draws, in place of a picture that is drawn from its text. */
  readonly guacdPicture: boolean;
  readonly text: boolean;
  readonly keys: boolean;
  /** What went through the clipboard, as part of the picture. */
  readonly clipboard: boolean;
  readonly required: boolean;
}

/** Value of a configuration's `pamResources` field. */
export interface PamResources {
  /** The gateway's UID. */
  readonly controllerUid: Uid;
  readonly applicationUid: Uid;
  readonly organisationUid: Uid;
  /** base64url, 65 bytes: what the gateway verifies rosters with. */
  readonly organisationKey: string;
  readonly rosterVersion: number;
  /** base64url, 65 bytes: pinned once the gateway proved that it holds the application key. */
  readonly gatewayKey?: string;
}

/** The members of {@link PamResources}: no form's to write. */
const pinned: ReadonlySet<string> = new Set([
  'controllerUid',
  'applicationUid',
  'organisationUid',
  'organisationKey',
  'rosterVersion',
  'gatewayKey',
] satisfies readonly (keyof PamResources)[]);

export const defaultConnection: ConnectionSettings = {
  protocol: 'ssh',
  hostKeyPolicy: 'ask',
  disableCopy: false,
  disablePaste: false,
  allowSupplyUser: false,
  colorScheme: 'gray-black',
  fontSize: 12,
  scrollback: 1000,
  limits: { idle: 0, longest: 0 },
  watermark: false,
  recording: {
    ...{ graphical: false, guacdPicture: false, text: false, keys: false },
    ...{ clipboard: false, required: true },
  },
};

/** A week: of the limits of a session. */
export const mostMinutes = 7 * 24 * 60;

export const colorSchemes = ['gray-black', 'white-black', 'green-black', 'black-white'] as const;
const ownScheme = /^[a-z0-9]+\s*:[\w:;/,.#\s-]{1,2048}$/;

/** Whether a gateway takes it: a known one, or a list. */
export function isColorScheme(scheme: unknown): scheme is string {
  return typeof scheme === 'string' && (colorSchemes.some((one) => one === scheme) || ownScheme.test(scheme));
}

/**
 * Where sessions go: the machine's host, and the port of its sessions, of the machine, or the usual one of its protocol,
 * the first that is set. Throws `malformed`, naming what is wrong.
 */
export function readHostname(content: RecordContent): { readonly host: string; readonly port: number } {
  const value = objectOf(firstValue(content, 'pamHostname'), 'the record has no host name');
  const host = value['hostName'];
  const { ownPort, usualPort } = sessionPorts(content);
  const port = Number(ownPort || value['port'] || usualPort);
  if (typeof host !== 'string' || host.trim() === '')
    throw new ProtocolError('malformed', 'the record has no host name');
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new ProtocolError('malformed', 'the port is not 1 to 65535');
  return { host: host.trim(), port };
}

function sessionPorts(content: RecordContent): { readonly ownPort: unknown; readonly usualPort: number } {
  const raw = firstValue(content, settingsFieldOf(content.type));
  const { connection } = typeof raw === 'object' && raw !== null ? raw : {};
  const members = typeof connection === 'object' && connection !== null ? { ...connection } : {};
  const { protocol, port: ownPort }: Readonly<Record<string, unknown>> = members;
  const known = connectionProtocolOf(protocol) ?? protocolsOf(content.type)[0] ?? 'ssh';
  return { ownPort, usualPort: connectionKindOf(known).port };
}

/** The machine's settings with defaults filled in. Throws `malformed`, naming what is wrong. */
export function readPamSettings(content: RecordContent): PamSettings {
  const usual = protocolsOf(content.type)[0] ?? 'ssh';
  const raw = firstValue(content, settingsFieldOf(content.type));
  if (raw === null) return { connection: { ...defaultConnection, protocol: usual } };
  const value = objectOf(raw, 'the settings are not an object');
  const connection = readConnection(value['connection'] ?? {}, usual);
  const { configurationUid: configuration, confirmation } = value;
  return {
    ...(configuration ? { configurationUid: uidIn(configuration) } : {}),
    connection,
    ...(typeof confirmation === 'string' && confirmation !== '' ? { confirmation } : {}),
  };
}

/** The field in which records of that type keep their settings. */
export function settingsFieldOf(type: string): 'pamSettings' | 'pamRemoteBrowserSettings' {
  return type === 'pamRemoteBrowser' ? 'pamRemoteBrowserSettings' : 'pamSettings';
}

/** Over which gateways open sessions. */
export const sessionProtocols = ['ssh', 'rdp', 'vnc', 'telnet'] as const;
export type SessionProtocol = (typeof sessionProtocols)[number];

/** Throws `malformed` for settings of a protocol over which no session can be opened yet. */
export function requireSession({ connection }: PamSettings): void {
  if (!sessionProtocols.some((known) => known === connection.protocol))
    throw new ProtocolError('malformed', 'the protocol is not supported');
}

/** Whether sessions open without a launch credential: an SSH server lets nobody in without a login. */
export function opensUnlinked({ connection: { protocol, allowSupplyUser } }: PamSettings): boolean {
  return protocol !== 'ssh' || allowSupplyUser;
}

/** The configuration's pins. Throws `malformed`. */
export function readPamResources(content: RecordContent): PamResources {
  const value = objectOf(firstValue(content, 'pamResources'), 'the configuration names no gateway');
  const { organisationKey, gatewayKey, rosterVersion } = value;
  if (typeof organisationKey !== 'string' || typeof rosterVersion !== 'number') {
    throw new ProtocolError('malformed', 'the configuration pins no organisation');
  }
  const pins = {
    controllerUid: uidIn(value['controllerUid']),
    applicationUid: uidIn(value['applicationUid']),
    organisationUid: uidIn(value['organisationUid']),
    organisationKey,
    rosterVersion,
  };
  return typeof gatewayKey === 'string' ? { ...pins, gatewayKey } : pins;
}

/**
 * The content with what the configuration pins as `current` has it, and nothing of that as the content itself says. Other
 * members of its `pamResources`, and all other fields, stay. Throws `malformed` when `current` pins nothing.
 */
export function withPinsOf(content: RecordContent, current: RecordContent): RecordContent {
  readPamResources(current);
  const among = (pins: boolean, of: RecordContent) =>
    Object.entries(objectOf(firstValue(of, 'pamResources') ?? {}, 'the gateway is not an object')).filter(
      ([name]) => pinned.has(name) === pins,
    );
  const resources = Object.fromEntries([...among(false, content), ...among(true, current)]);
  return withValue(content, 'pamResources', [resources]);
}

function readConnection(raw: unknown, usual: ConnectionProtocol): ConnectionSettings {
  const value = objectOf(raw as FieldValue, 'connection is not an object');
  const { launchCredentialUid, jumpMachineUid, hostKey, colorScheme } = value;
  const protocol = connectionProtocolOf(value['protocol'] ?? usual);
  if (protocol === null) throw new ProtocolError('malformed', 'the protocol is not known');
  return {
    protocol,
    ...(launchCredentialUid ? { launchCredentialUid: uidIn(launchCredentialUid) } : {}),
    ...(jumpMachineUid ? { jumpMachineUid: uidIn(jumpMachineUid) } : {}),
    ...(typeof hostKey === 'string' && hostKey !== '' ? { hostKey } : {}),
    hostKeyPolicy: value['hostKeyPolicy'] === 'trust-on-first-use' ? 'trust-on-first-use' : 'ask',
    disableCopy: value['disableCopy'] === true,
    disablePaste: value['disablePaste'] === true,
    allowSupplyUser: value['allowSupplyUser'] === true,
    colorScheme: isColorScheme(colorScheme) ? colorScheme : defaultConnection.colorScheme,
    fontSize: boundedInteger(value['fontSize'], 6, 96, defaultConnection.fontSize),
    // guacd takes 434 MB for 100,000 lines, so the bound is not the person's to lift.
    scrollback: boundedInteger(value['scrollback'], 100, 10_000, defaultConnection.scrollback),
    limits: { idle: minutesIn(value['idleTimeoutMinutes']), longest: minutesIn(value['maxSessionMinutes']) },
    watermark: value['watermark'] === true,
    recording: recordingIn(value),
    ...(Number.isInteger(value['reconnectSeconds'])
      ? { reconnectSeconds: boundedInteger(value['reconnectSeconds'], 0, limits.resume.longestMs / 1_000, 0) }
      : {}),
    ...sharingIn(value['sessionSharing']),
  };
}

/** What somebody wrote and cannot be read forbids. */
function sharingIn(value: unknown): Pick<ConnectionSettings, 'sharing'> {
  if (value === undefined || value === null || value === '') return {};
  return { sharing: sharingPolicies.find((known) => known === value) ?? 'off' };
}

/** A limit that somebody wrote and that cannot be read is the shortest, not none. */
function minutesIn(value: unknown): number {
  if (value === undefined || value === null || value === '' || value === 0) return 0;
  const minutes = Number(value);
  return Number.isInteger(minutes) && minutes >= 1 ? Math.min(mostMinutes, minutes) : 1;
}

/** A recording that is asked for is required, unless the record says that sessions go on without. */
function recordingIn(value: Readonly<Record<string, unknown>>): RecordingSettings {
  return {
    graphical: value['sessionRecording'] === true,
    guacdPicture: value['terminalPicture'] === 'guacd',
    text: value['typescriptRecording'] === true,
    keys: value['recordingIncludeKeys'] === true,
    clipboard: value['recordingIncludeClipboard'] === true,
    required: value['recordingPolicy'] !== 'best-effort',
  };
}

/**
 * What is recorded of a session over that protocol. Of a terminal the picture is drawn from its text by whoever plays it, unless the
 * record wants guacd's, or the clipboard, which is part of that. Elsewhere there is no text: who asks for it gets the picture.
 */
export function recordingOver(protocol: string, asked: RecordingSettings): RecordingSettings {
  if (!isRecorded(asked)) return asked;
  if (protocol !== 'ssh' && protocol !== 'telnet')
    return { ...asked, graphical: true, text: false, keys: false };
  const graphical = asked.graphical && (asked.guacdPicture || asked.clipboard);
  return { ...asked, graphical, text: asked.text || (asked.graphical && !graphical) };
}

/** Whether anything of a session is recorded. */
export function isRecorded({ graphical, text, keys }: RecordingSettings): boolean {
  return graphical || text || keys;
}

function boundedInteger(value: unknown, min: number, max: number, fallback: number): number {
  return Number.isInteger(value) ? Math.min(max, Math.max(min, value as number)) : fallback;
}

function objectOf(value: FieldValue | null, message: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('malformed', message);
  return value;
}

function uidIn(value: unknown): Uid {
  if (typeof value !== 'string') throw new ProtocolError('malformed', 'not a uid');
  return parseUid(value);
}
