import { encodeBase64url, parseBase64url, wipe, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { parseContent } from '../../protocol/records/content.ts';
import { readPamResources, type PamResources } from '../../protocol/records/pam-settings.ts';
import { clientIdOf } from '../../protocol/secrets-manager/client-id.ts';
import { parseApplicationCopy } from '../../protocol/session/application-copy.ts';
import { parseEnrolmentToken, type EnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import type { Uid } from '../../protocol/uid.ts';
import { ConfigError, encodeConfig, parseServer, type GatewayConfig } from '../config.ts';
import { versionsPath } from '../config-source.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';
import { RisingState } from '../rising-state.ts';
import { ServerDoor } from '../router/server-door.ts';
import { withSecretsClient } from '../secrets/secrets-access.ts';
import { PendingEnrolment } from './pending-enrolment.ts';

export interface EnrolmentOptions {
  readonly server: string;
  readonly token: string;
  /** Where the configuration goes. */
  readonly file: string;
  readonly certificateAuthority: string | null;
  readonly signal: AbortSignal;
}

/**
 * Turns a one-time token into a configuration file, and proves it by reading the gateway's own configuration record
 * with it. A token whose enrolment broke off half-way is good for another try here. Throws with what to do.
 */
export async function enrol(options: EnrolmentOptions): Promise<GatewayConfig> {
  const server = parseServer(options.server, '--server');
  const token = readToken(options.token);
  if ((await readPrivateFile(options.file)) !== null) {
    throw new ConfigError(options.file, 'is there already; move it away to enrol this machine anew');
  }
  const state = await RisingState.open(null);
  const { certificateAuthority } = options;
  const door = new ServerDoor({ server, identity: token.serverIdentity, state, certificateAuthority });
  const pending = await PendingEnrolment.open(`${options.file}.pending`, clientIdOf(token.token));
  try {
    const appKey = pending.keys.appKey ?? (await bind(door, pending, token, options.signal));
    const config = await complete(door, { ...pending.keys, appKey }, token, options.signal);
    await store(config, options.file, state);
    await pending.remove();
    return config;
  } finally {
    wipe(token.token);
    door.close();
  }
}

function readToken(text: string): EnrolmentToken {
  try {
    return parseEnrolmentToken(text);
  } catch {
    throw new ConfigError('token', 'is not a gateway token (sallyport1_…); copy it whole from the vault');
  }
}

async function bind(
  door: ServerDoor,
  pending: PendingEnrolment,
  { token, configurationUid }: EnrolmentToken,
  signal: AbortSignal,
): Promise<Bytes> {
  try {
    const keep = ({ appKey }: { readonly appKey: Bytes }) => pending.keepAppKey(appKey);
    const bound = await withSecretsClient(door, pending.keys, signal, (client) =>
      client.bind(token, keep, { records: [configurationUid] }),
    );
    return bound.appKey;
  } catch (error) {
    throw explained(error);
  }
}

/** Reads the configuration record that the token names: whom to believe from now on is in there. */
async function complete(
  door: ServerDoor,
  keys: { readonly clientId: Bytes; readonly privateKey: Bytes; readonly appKey: Bytes },
  { gatewayUid, configurationUid, serverIdentity }: EnrolmentToken,
  signal: AbortSignal,
): Promise<GatewayConfig> {
  const { pins, ownerUid } = await readPins(door, keys, configurationUid, signal);
  if (pins.controllerUid !== gatewayUid)
    throw new ProtocolError('untrusted', 'the configuration record names another gateway');
  return {
    ...keys,
    server: door.server,
    ...{ serverIdentity, gatewayUid, configurationUid },
    applicationUid: pins.applicationUid,
    ownerUid,
    organisationUid: pins.organisationUid,
    organisationKey: parseBase64url(pins.organisationKey),
    rosterVersion: BigInt(pins.rosterVersion),
  };
}

async function readPins(
  door: ServerDoor,
  keys: { readonly clientId: Bytes; readonly privateKey: Bytes; readonly appKey: Bytes },
  configurationUid: GatewayConfig['configurationUid'],
  signal: AbortSignal,
): Promise<{ readonly pins: PamResources; readonly ownerUid: Uid }> {
  const records = [configurationUid];
  const secrets = await withSecretsClient(door, keys, signal, (client) => client.getSecret({ records }));
  const copy = secrets.records.find((record) => record.recordUid === configurationUid);
  if (copy === undefined)
    throw new ProtocolError('not-found', 'the server does not give the configuration record of this gateway');
  // The copy says of which application it is; that it opened under the application's key makes it true.
  const { applicationUid } = readPamResources(parseContent(copy.content));
  const expected = { recordUid: configurationUid, applicationUid };
  const { content, ownerUid } = parseApplicationCopy(copy.content, expected);
  return { pins: readPamResources(content), ownerUid };
}

async function store(config: GatewayConfig, file: string, state: RisingState): Promise<void> {
  await RisingState.open(versionsPath(file)).then((kept) =>
    kept.raise({ ...state.versions, roster: config.rosterVersion }),
  );
  await writePrivateFile(file, encodeConfig(config));
}

/** Lines that tell an administrator what this gateway believes now. None of it is secret. */
export function describePins(config: GatewayConfig): readonly string[] {
  return [
    `gateway       ${config.gatewayUid}`,
    `server        ${config.server}, identity ${encodeBase64url(config.serverIdentity)}`,
    `organisation  ${config.organisationUid}, key ${encodeBase64url(config.organisationKey)}`,
    `configuration ${config.configurationUid}, application ${config.applicationUid}`,
    `roster        version ${config.rosterVersion} or later`,
  ];
}

function explained(error: unknown): unknown {
  const known = toProtocolError(error);
  const why = known === null ? undefined : reasons[known.code];
  return known === null || why === undefined
    ? error
    : new ProtocolError(known.code, `${why} (${known.message})`);
}

const reasons: Readonly<Partial<Record<string, string>>> = {
  'not-allowed':
    'the server refuses this token: it was used already, has run out, or its gateway was deleted',
  untrusted: 'this is not the server that the token was made by',
  'open-failed': 'the token does not open what the server keeps for it',
  offline: 'no connection',
};
