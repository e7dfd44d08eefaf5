import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { ecdhPublicKey } from '../../protocol/crypto/ecdh.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { SignedOrganisationSettingsSchema } from '../../protocol/messages/gen/account_pb.js';
import {
  KeyOfferSchema,
  RosterLinkSchema,
  TeamKeySchema,
} from '../../protocol/messages/gen/organisation_pb.js';
import {
  encodeInvitation,
  invitationToken,
  parseInvitation,
  requireInvitationProof,
  requireInvitedKey,
} from '../../protocol/organisation/invitation.ts';
import { openKeyOffer, openTeamKey, requireTeamKey } from '../../protocol/organisation/keys.ts';
import { openOrganisationPin } from '../../protocol/organisation/pin.ts';
import { openSettings } from '../../protocol/organisation/settings.ts';
import { followLinks } from '../../protocol/signed/roster-succession.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import invitations from './invitations.json' with { type: 'json' };
import keyOffers from './key-offers.json' with { type: 'json' };
import pins from './organisation-pins.json' with { type: 'json' };
import settings from './organisation-settings.json' with { type: 'json' };
import rosterLinks from './roster-links.json' with { type: 'json' };
import teamKeys from './team-keys.json' with { type: 'json' };

const pairOf = (privateKey: string) => {
  const key = parseHex(privateKey);
  return { privateKey: key, publicKey: ecdhPublicKey(key) };
};

interface Pin {
  readonly key: string;
  readonly accountUid: Uid;
  readonly sealed: string;
  readonly pin: object;
}

runVectors<Pin>('organisation pin', pins, async ({ key, accountUid, sealed, pin }) => {
  const opened = await openOrganisationPin(
    await SymmetricKey.import(parseHex(key)),
    accountUid,
    parseHex(sealed),
  );
  expect({ ...opened, publicKey: encodeHex(opened.publicKey) }).toEqual(pin);
});

interface Invitation {
  readonly fragment: string;
  readonly organisationKey: string;
  readonly certificateBody: string;
  readonly proof: string;
  readonly invitationUid: Uid;
  readonly token: string;
}

runVectors<Invitation>('invitation', invitations, (vector) => {
  const link = parseInvitation(vector.fragment);
  requireInvitedKey(link, parseHex(vector.organisationKey));
  requireInvitationProof(link, parseHex(vector.certificateBody), parseHex(vector.proof));
  expect(link.invitationUid).toBe(vector.invitationUid);
  expect(encodeHex(invitationToken(link))).toBe(vector.token);
  expect(encodeInvitation(link)).toBe(vector.fragment);
});

interface Offer {
  readonly organisationUid: Uid;
  readonly organisationKey: string;
  readonly memberUid: Uid;
  readonly privateKey: string;
  readonly kind: number;
  readonly sealedKey: string;
  readonly signature: string;
  readonly key: string;
}

runVectors<Offer>('key offer', keyOffers, async (vector) => {
  const organisation = { uid: vector.organisationUid, publicKey: parseHex(vector.organisationKey) };
  const offer = create(KeyOfferSchema, {
    kind: vector.kind,
    sealedKey: parseHex(vector.sealedKey),
    signature: parseHex(vector.signature),
  });
  const key = await openKeyOffer(pairOf(vector.privateKey), vector.memberUid, organisation, offer);
  expect(encodeHex(key)).toBe(vector.key);
});

interface Team {
  readonly organisationKey: string;
  readonly teamUid: Uid;
  readonly teamKey: string;
  readonly memberUid: Uid;
  readonly privateKey: string;
  readonly keyVersion: number;
  readonly sealedKey: string;
  readonly signature: string;
  readonly key: string;
}

runVectors<Team>('team key', teamKeys, async (vector) => {
  const { teamUid, memberUid, keyVersion } = vector;
  const message = create(TeamKeySchema, {
    ...{ teamUid: uidBytes(teamUid), keyVersion },
    sealedKey: parseHex(vector.sealedKey),
    signature: parseHex(vector.signature),
  });
  const organisationKey = parseHex(vector.organisationKey);
  const pair = await openTeamKey(pairOf(vector.privateKey), memberUid, organisationKey, message);
  requireTeamKey({ teamUid, keyVersion, memberUids: [], ecdhPublicKey: parseHex(vector.teamKey) }, pair);
  expect(encodeHex(pair.privateKey)).toBe(vector.key);
});

interface Settings {
  readonly organisationUid: Uid;
  readonly organisationKey: string;
  readonly key: string;
  readonly version: number;
  readonly sealed: string;
  readonly signature: string;
  readonly teams: object;
  readonly recordTypes: readonly object[];
}

runVectors<Settings>('organisation settings', settings, async (vector) => {
  const organisation = { uid: vector.organisationUid, publicKey: parseHex(vector.organisationKey) };
  const signed = create(SignedOrganisationSettingsSchema, {
    version: BigInt(vector.version),
    sealed: parseHex(vector.sealed),
    signature: parseHex(vector.signature),
  });
  const opened = await openSettings(organisation, await SymmetricKey.import(parseHex(vector.key)), signed);
  expect(Object.fromEntries(opened.teamNames)).toEqual(vector.teams);
  expect(opened.recordTypes).toEqual(vector.recordTypes);
});

interface Links {
  readonly organisationUid: Uid;
  readonly organisationKey: string;
  readonly before: { readonly version: number; readonly hash: string };
  readonly links: readonly {
    readonly version: number;
    readonly parentHash: string;
    readonly rosterHash: string;
    readonly signature: string;
  }[];
  readonly after: { readonly version: number; readonly hash: string };
}

runVectors<Links>('roster links', rosterLinks, (vector) => {
  const issuer = {
    organisationUid: vector.organisationUid,
    organisationKey: parseHex(vector.organisationKey),
  };
  const before = { version: BigInt(vector.before.version), hash: parseHex(vector.before.hash) };
  const links = vector.links.map(({ version, ...hashes }) =>
    create(RosterLinkSchema, {
      version: BigInt(version),
      parentHash: parseHex(hashes.parentHash),
      rosterHash: parseHex(hashes.rosterHash),
      signature: parseHex(hashes.signature),
    }),
  );
  const after = followLinks(issuer, before, links);
  expect({ version: Number(after.version), hash: encodeHex(after.hash) }).toEqual(vector.after);
});
