import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { OrganisationPinSchema } from '../../../protocol/messages/gen/account_pb.js';
import {
  concat,
  context,
  ecies,
  envelope,
  flip,
  hex,
  hkdf,
  hmac,
  keyPair,
  pad,
  seed,
  sha256,
  sign,
  uid,
  uint32,
  uint64,
  utf8,
} from './independent.ts';

const none = new Uint8Array(0);
const organisation = keyPair('organisation');
const stranger = keyPair('stranger');
const organisationUid = uid('organisation');
const member = uid('member');
const memberKey = keyPair('member ecdh');

/** §20.1 */
export function organisationPins(): object[] {
  const dataKey = seed('data key');
  const account = uid('account').text;
  const encode = (change: object = {}) =>
    encodeMessage(OrganisationPinSchema, {
      organisationUid: organisationUid.bytes,
      signingPublicKey: organisation.publicKey,
      ...change,
    });
  const seal = (pin: Uint8Array, objects = [account], purpose = 'organisation-pin') =>
    hex(envelope('organisation pin', dataKey, purpose, objects, pin));
  const base = { key: hex(dataKey), accountUid: account, sealed: seal(encode()) };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  return [
    {
      ...base,
      name: 'a pin',
      pin: { uid: organisationUid.text, publicKey: hex(organisation.publicKey) },
    },
    bad('of another account', { accountUid: uid('other').text }),
    bad('another key', { key: hex(seed('other')) }),
    bad('sealed as a signing key', { sealed: seal(encode(), [account], 'organisation-signing-key') }),
    bad('sealed without an account', { sealed: seal(encode(), []) }),
    bad('in clear', { sealed: hex(encode()) }),
    bad('no organisation', { sealed: seal(encode({ organisationUid: none })) }, 'malformed'),
    bad('no key', { sealed: seal(encode({ signingPublicKey: none })) }, 'malformed'),
    bad(
      'a key off the curve',
      { sealed: seal(encode({ signingPublicKey: flip(organisation.publicKey, 40) })) },
      'malformed',
    ),
  ];
}

/** §20.2 */
export function invitations(): object[] {
  const invitation = uid('invitation');
  const secret = seed('invitation secret');
  const keyHash = sha256(organisation.publicKey);
  const text = (...parts: Uint8Array[]) => Buffer.from(concat(...parts)).toString('base64url');
  const fragment = text(invitation.bytes, secret, keyHash);
  const body = seed('certificate body', 150);
  const derive = (label: string) => hkdf(secret, none, context(`sallyport/v1/${label}`, invitation.text));
  const token = derive('invitation-token');
  const proof = hmac('sha256', derive('invitation-proof'), body);
  const base = {
    fragment,
    organisationKey: hex(organisation.publicKey),
    certificateBody: hex(body),
    proof: hex(proof),
  };
  const bad = (name: string, change: object, fails: string) => ({ ...base, name, ...change, fails });
  return [
    { ...base, name: 'a link and its proof', invitationUid: invitation.text, token: hex(token) },
    bad('the key of another organisation', { organisationKey: hex(stranger.publicKey) }, 'untrusted'),
    bad('the proof of other keys', { certificateBody: hex(seed('other', 150)) }, 'untrusted'),
    bad('a proof by the token', { proof: hex(hmac('sha256', token, body)) }, 'untrusted'),
    bad('no proof', { proof: '' }, 'untrusted'),
    bad('a proof cut short', { proof: hex(proof.subarray(0, 31)) }, 'untrusted'),
    bad('another secret', { fragment: text(invitation.bytes, seed('other'), keyHash) }, 'untrusted'),
    bad('another invitation', { fragment: text(seed('other', 16), secret, keyHash) }, 'untrusted'),
    bad('a byte too few', { fragment: text(invitation.bytes, secret, keyHash.subarray(1)) }, 'malformed'),
    bad('a byte too many', { fragment: text(invitation.bytes, secret, keyHash, none, secret) }, 'malformed'),
    bad('not base64url', { fragment: `${fragment}=` }, 'malformed'),
    bad('nothing', { fragment: '' }, 'malformed'),
  ];
}

/** §20.3 */
export function keyOffers(): object[] {
  const key = seed('organisation data key');
  const label = 'sallyport/v1/signature/key-offer';
  const seal = (
    to = memberKey.publicKey,
    objects = [organisationUid.text, member.text, uint32(1)],
    k = key,
  ) => ecies('key offer', to, 'organisation-key', objects, k);
  const of = (sealed = seal(), signer = organisation, kind = 1, who = member.bytes, signedAs = label) => ({
    sealedKey: hex(sealed),
    signature: hex(sign(signer.privateKey, signedAs, context(uint32(kind), who, sealed))),
  });
  const base = {
    organisationUid: organisationUid.text,
    organisationKey: hex(organisation.publicKey),
    memberUid: member.text,
    privateKey: hex(memberKey.privateKey),
    kind: 1,
    ...of(),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const other = uid('other');
  return [
    { ...base, name: 'the data key', key: hex(key) },
    bad('signed by another key', of(seal(), stranger)),
    bad('signed for another member', of(seal(), organisation, 1, other.bytes)),
    bad('signed as another kind', of(seal(), organisation, 2)),
    bad('shown as another kind', { kind: 2 }),
    bad('shown to another member', { memberUid: other.text }),
    bad('signed as a team key', of(seal(), organisation, 1, member.bytes, 'sallyport/v1/signature/team-key')),
    bad('another sealed key', { sealedKey: hex(flip(seal(), 90)) }),
    bad('no signature', { signature: '' }),
    bad('sealed to another member', of(seal(stranger.publicKey)), 'open-failed'),
    bad(
      'sealed for another organisation',
      of(seal(memberKey.publicKey, [other.text, member.text, uint32(1)])),
      'open-failed',
    ),
    bad(
      'sealed as another kind',
      of(seal(memberKey.publicKey, [organisationUid.text, member.text, uint32(2)])),
      'open-failed',
    ),
    bad('a key of 31 bytes', of(seal(memberKey.publicKey, undefined, key.subarray(1))), 'malformed'),
  ];
}

/** §20.4 */
export function teamKeys(): object[] {
  const team = uid('team');
  const pair = keyPair('team');
  const label = 'sallyport/v1/signature/team-key';
  const seal = (objects = [team.text, member.text, uint32(3)], key = pair.privateKey) =>
    ecies('team key', memberKey.publicKey, 'team-key', objects, key);
  const of = (sealed = seal(), signer = organisation, version = 3, who = member.bytes) => ({
    sealedKey: hex(sealed),
    signature: hex(sign(signer.privateKey, label, context(team.bytes, who, uint32(version), sealed))),
  });
  const base = {
    organisationKey: hex(organisation.publicKey),
    teamUid: team.text,
    teamKey: hex(pair.publicKey),
    memberUid: member.text,
    privateKey: hex(memberKey.privateKey),
    keyVersion: 3,
    ...of(),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const other = uid('other');
  return [
    { ...base, name: 'a team’s key', key: hex(pair.privateKey) },
    bad('signed by another key', of(seal(), stranger)),
    bad('signed for another member', of(seal(), organisation, 3, other.bytes)),
    bad('signed as another version', of(seal(), organisation, 2)),
    bad('shown as another version', { keyVersion: 4 }),
    bad('shown as another team’s', { teamUid: other.text }),
    bad('shown to another member', { memberUid: other.text }),
    bad('no signature', { signature: '' }),
    bad('sealed for another team', of(seal([other.text, member.text, uint32(3)])), 'open-failed'),
    bad('sealed as another version', of(seal([team.text, member.text, uint32(2)])), 'open-failed'),
    bad('not the key that the roster names', { teamKey: hex(stranger.publicKey) }, 'untrusted'),
    bad('a key out of range', of(seal(undefined, new Uint8Array(32))), 'malformed'),
    bad('a key of 33 bytes', of(seal(undefined, concat(pair.privateKey, Uint8Array.of(0)))), 'malformed'),
  ];
}

/** §20.5 */
export function organisationSettings(): object[] {
  const key = seed('organisation data key');
  const label = 'sallyport/v1/signature/organisation-settings';
  const team = uid('team').text;
  const types = { types: [{ type: 'custom:badge', title: 'Badge', fields: [] }] };
  const json = (change: object = {}) =>
    JSON.stringify({ teams: { [team]: 'Operations' }, recordTypes: JSON.stringify(types), ...change });
  const seal = (text: string, objects = [organisationUid.text, uint64(7)]) =>
    envelope('organisation settings', key, 'organisation-settings', objects, pad(utf8(text)));
  const of = (sealed: Uint8Array, signer = organisation, version = 7, who = organisationUid.bytes) => ({
    sealed: hex(sealed),
    signature: hex(sign(signer.privateKey, label, context(who, uint64(version), sealed))),
  });
  const base = {
    organisationUid: organisationUid.text,
    organisationKey: hex(organisation.publicKey),
    key: hex(key),
    version: 7,
    ...of(seal(json())),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const malformed = (name: string, text: string) => bad(name, of(seal(text)), 'malformed');
  return [
    { ...base, name: 'settings', teams: { [team]: 'Operations' }, recordTypes: types.types },
    bad('signed by another key', of(seal(json()), stranger)),
    bad('signed as another version', of(seal(json()), organisation, 8)),
    bad('signed for another organisation', of(seal(json()), organisation, 7, uid('other').bytes)),
    bad('shown as another version', { version: 8 }),
    bad('shown as another organisation’s', { organisationUid: uid('other').text }),
    bad('no signature', { signature: '' }),
    bad('sealed as another version', of(seal(json(), [organisationUid.text, uint64(6)])), 'open-failed'),
    bad('another key', { key: hex(seed('other')) }, 'open-failed'),
    malformed('no json', 'text'),
    malformed('a list', '[]'),
    malformed('null', 'null'),
    malformed('no teams', JSON.stringify({ recordTypes: JSON.stringify(types) })),
    malformed('a member that is not known', json({ policy: true })),
    malformed('record types as an object', json({ recordTypes: types })),
    malformed('a team that is none', json({ teams: { team: 'Operations' } })),
    malformed('a team without a name', json({ teams: { [team]: '' } })),
    malformed('a name with space around it', json({ teams: { [team]: ' Operations' } })),
    malformed('a name on two lines', json({ teams: { [team]: 'one\ntwo' } })),
    malformed('a name that turns around', json({ teams: { [team]: 'one\u202etwo' } })),
    malformed('a number as a name', json({ teams: { [team]: 1 } })),
  ];
}

/** §6.3 */
export function rosterLinks(): object[] {
  const label = 'sallyport/v1/signature/roster';
  const hashes = ['two', 'three', 'four'].map((name) => seed(`roster ${name}`));
  const first = seed('roster one');
  const link = (version: number, parent: Uint8Array, own: Uint8Array, signer = organisation) => ({
    version,
    parentHash: hex(parent),
    rosterHash: hex(own),
    signature: hex(
      sign(signer.privateKey, label, context(organisationUid.bytes, uint64(version), parent, own)),
    ),
  });
  const [two, three, four] = hashes as [Uint8Array, Uint8Array, Uint8Array];
  const links = [link(2, first, two), link(3, two, three), link(4, three, four)];
  const base = {
    organisationUid: organisationUid.text,
    organisationKey: hex(organisation.publicKey),
    before: { version: 1, hash: hex(first) },
    links,
  };
  const bad = (name: string, change: object, fails = 'untrusted') => ({ ...base, name, ...change, fails });
  return [
    { ...base, name: 'three steps', after: { version: 4, hash: hex(four) } },
    { ...base, name: 'none', links: [], after: base.before },
    {
      ...base,
      name: 'from the beginning',
      before: { version: 0, hash: '' },
      links: [link(1, none, first)],
      after: { version: 1, hash: hex(first) },
    },
    bad('one left out', { links: [links[0], links[2]] }),
    bad('the first left out', { links: links.slice(1) }),
    bad('one twice', { links: [links[0], links[0]] }),
    bad('in another order', { links: [links[1], links[0], links[2]] }),
    bad('of another past', { before: { version: 1, hash: hex(seed('another one')) } }),
    bad('a step into another past', { links: [links[0], link(3, seed('another two'), three)] }),
    bad('a version left out', { links: [links[0], link(4, two, four)] }),
    bad('signed by another key', { links: [links[0], link(3, two, three, stranger)] }, 'bad-signature'),
    bad(
      'another roster under the signature',
      { links: [{ ...links[0], rosterHash: hex(three) }] },
      'bad-signature',
    ),
    bad('of another organisation', { organisationUid: uid('other').text }, 'bad-signature'),
    bad('no signature', { links: [{ ...links[0], signature: '' }] }, 'bad-signature'),
  ];
}
