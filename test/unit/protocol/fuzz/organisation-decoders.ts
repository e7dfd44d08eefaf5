import { create } from '@bufbuild/protobuf';
import { encodeBase64url, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { sealEnvelope } from '../../../../protocol/crypto/envelope.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import { RosterPartSchema } from '../../../../protocol/messages/gen/link_pb.js';
import { RosterDeltaSchema, RosterLinkSchema } from '../../../../protocol/messages/gen/organisation_pb.js';
import { openInvitationNote, parseInvitation } from '../../../../protocol/organisation/invitation.ts';
import { openOrganisationPin } from '../../../../protocol/organisation/pin.ts';
import { encodeSettings, parseSettings } from '../../../../protocol/organisation/settings.ts';
import { applyRosterDelta, diffRoster } from '../../../../protocol/signed/roster-delta.ts';
import { RosterAssembly } from '../../../../protocol/signed/roster-parts.ts';
import { followLinks } from '../../../../protocol/signed/roster-succession.ts';
import { newUid } from '../../../../protocol/uid.ts';
import type { Decoder } from './decoders.ts';

const raw: Bytes = new Uint8Array(32).fill(2);
const dataKey = await SymmetricKey.import(raw.slice());
const { publicKey } = generateEcdhKeyPair();
const uid = newUid();
const part = { index: 0, count: 2, bytes: new Uint8Array(64) };
/** Two fields, of which the second is another in the newer one. */
const [former, newer] = [utf8('\n\u0003ada\u0012\u0003ben'), utf8('\n\u0003ada\u0012\u0003cal')];
const link = { version: 1n, rosterHash: raw, signature: new Uint8Array(64) };

/** What a server gives of an organisation, and what its members sealed for one another. */
export const organisationDecoders: readonly Decoder<Uint8Array>[] = [
  {
    name: 'sealed organisation pin',
    valid: [utf8('\n\u0010aaaaaaaaaaaaaaaa')],
    decode: async (pin) => {
      const sealed = await sealEnvelope(dataKey, 'organisation-pin', [uid], new Uint8Array(pin));
      return await openOrganisationPin(dataKey, uid, sealed);
    },
  },
  {
    name: 'sealed invitation note',
    valid: [new Uint8Array(56)],
    decode: async (note) => {
      const sealed = await sealEnvelope(dataKey, 'invitation-secret', [uid, uid], new Uint8Array(note));
      return await openInvitationNote(dataKey, uid, uid, sealed);
    },
  },
  {
    name: 'parts of a roster',
    valid: [encodeMessage(RosterPartSchema, part), encodeMessage(RosterPartSchema, { ...part, count: 1 })],
    decode: (bytes) => new RosterAssembly().add(decodeMessage(RosterPartSchema, bytes)),
  },
  {
    name: 'what changed of a roster',
    valid: [encodeMessage(RosterDeltaSchema, diffRoster(former, newer))],
    decode: (bytes) => applyRosterDelta(former, decodeMessage(RosterDeltaSchema, bytes)),
  },
  {
    name: 'a roster that a difference is taken from',
    valid: [former],
    decode: (bytes) => diffRoster(bytes, newer),
  },
  {
    name: 'link of a roster',
    valid: [encodeMessage(RosterLinkSchema, link)],
    decode: (bytes) => {
      const issuer = { organisationUid: uid, organisationKey: publicKey };
      const before = { version: 0n, hash: new Uint8Array(0) };
      return followLinks(issuer, before, [create(RosterLinkSchema, decodeMessage(RosterLinkSchema, bytes))]);
    },
    cost: 5,
  },
];

export const organisationTextDecoders: readonly Decoder<string>[] = [
  { name: 'invitation link', valid: [encodeBase64url(new Uint8Array(80))], decode: parseInvitation },
  {
    name: 'settings of an organisation',
    valid: [encodeSettings({ teamNames: new Map([[uid, 'Operations']]), recordTypes: [] })],
    decode: parseSettings,
  },
];
