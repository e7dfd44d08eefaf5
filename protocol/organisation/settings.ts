import { parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import type { Signer } from '../crypto/ecdsa.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn, parseObject, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import type { SignedOrganisationSettings } from '../messages/gen/account_pb.js';
import { encodeTemplates, parseTemplates } from '../records/custom-templates.ts';
import type { RecordTemplate } from '../records/templates.ts';
import { signSettings, verifySettings } from '../signed/organisation.ts';
import { parseUid, type Uid } from '../uid.ts';
import type { OrganisationIdentity } from './pin.ts';

/** What every member of an organisation knows and its server does not. protocol.md §20.5. */
export interface OrganisationSettings {
  readonly version: bigint;
  readonly teamNames: ReadonlyMap<Uid, string>;
  /** Record types that administrators made. */
  readonly recordTypes: readonly RecordTemplate[];
}

/** Before anybody has set anything. */
export const noSettings: OrganisationSettings = { version: 0n, teamNames: new Map(), recordTypes: [] };

const teamNameLength = 100;
const notSettings = 'not the settings of an organisation';

/** A team's name: one line without space around it. Throws `malformed`. */
export function requireTeamName(text: string): string {
  const name = text.trim().normalize('NFC');
  if (name === '' || name.length > teamNameLength || /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/u.test(name))
    throw new ProtocolError('malformed', 'a name has 1 to 100 characters on one line');
  return name;
}

/** Sealed under the organisation's data key, signed by its signing key. Throws `too-large`. */
export async function sealSettings(
  organisationUid: Uid,
  dataKey: SymmetricKey,
  signer: Signer,
  settings: OrganisationSettings,
): Promise<{ version: bigint; sealed: Bytes; signature: Bytes }> {
  const { version } = settings;
  const plaintext = utf8(encodeSettings(settings));
  if (plaintext.length > limits.organisationSettings)
    throw new ProtocolError('too-large', 'the settings are too large');
  const objects = [organisationUid, uint64(version)];
  const sealed = await sealEnvelope(dataKey, purposes.organisationSettings, objects, pad(plaintext));
  return { version, sealed, signature: await signSettings(signer, { organisationUid, version, sealed }) };
}

/** Inverse of {@link sealSettings}. Throws `bad-signature`, `open-failed`, `too-large` or `malformed`. */
export async function openSettings(
  organisation: OrganisationIdentity,
  dataKey: SymmetricKey,
  { version, sealed, signature }: SignedOrganisationSettings,
): Promise<OrganisationSettings> {
  verifySettings(organisation.publicKey, { organisationUid: organisation.uid, version, sealed }, signature);
  const objects = [organisation.uid, uint64(version)];
  const opened = await openEnvelope(dataKey, purposes.organisationSettings, objects, sealed);
  return { version, ...parseSettings(parseUtf8(unpad(opened))) };
}

/** JSON text, the same for the same settings. */
export function encodeSettings({ teamNames, recordTypes }: Omit<OrganisationSettings, 'version'>): string {
  const teams = [...teamNames].sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify({ teams: Object.fromEntries(teams), recordTypes: encodeTemplates(recordTypes) });
}

/** Strict inverse of {@link encodeSettings}: these members and no others. Throws `malformed` or `too-large`. */
export function parseSettings(text: string): Omit<OrganisationSettings, 'version'> {
  if (text.length > limits.organisationSettings)
    throw new ProtocolError('too-large', 'the settings are too large');
  const members = parseObject(text, notSettings);
  const { teams, recordTypes } = members;
  if (Object.keys(members).length !== 2 || typeof recordTypes !== 'string') throw malformed();
  return { teamNames: parseTeams(objectIn(teams, notSettings)), recordTypes: parseTemplates(recordTypes) };
}

function parseTeams(teams: JsonObject): ReadonlyMap<Uid, string> {
  const entries = Object.entries(teams);
  if (entries.length > limits.rosterTeams) throw new ProtocolError('too-large', 'too many teams');
  return new Map(
    entries.map(([uid, name]) => {
      if (typeof name !== 'string' || requireTeamName(name) !== name) throw malformed();
      return [parseUid(uid), name];
    }),
  );
}

function malformed(): ProtocolError {
  return new ProtocolError('malformed', notSettings);
}
