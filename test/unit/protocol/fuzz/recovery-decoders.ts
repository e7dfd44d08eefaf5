import { create } from '@bufbuild/protobuf';
import { empty, uint64, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { encodeContext } from '../../../../protocol/crypto/context.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../../protocol/crypto/ecdsa.ts';
import { sealToPublicKey } from '../../../../protocol/crypto/ecies.ts';
import { sha256 } from '../../../../protocol/crypto/hash.ts';
import { signatureContexts } from '../../../../protocol/crypto/labels.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import { RosterSchema, SignedRosterSchema } from '../../../../protocol/messages/gen/account_pb.js';
import { KeyOfferSchema, TeamKeySchema } from '../../../../protocol/messages/gen/organisation_pb.js';
import {
  RecoveryEnrolmentSchema,
  RecoveryReleaseSchema,
} from '../../../../protocol/messages/gen/recovery_pb.js';
import { openKeyOffer, openTeamKey, requireTeamKey } from '../../../../protocol/organisation/keys.ts';
import {
  openEnrolment,
  openRelease,
  requireEnrolment,
  requireRelease,
} from '../../../../protocol/organisation/recovery.ts';
import { signKeyOffer, signTeamKey } from '../../../../protocol/signed/organisation.ts';
import { verifyRenewal } from '../../../../protocol/signed/recovery.ts';
import {
  requireSamePast,
  verifyRosterAt,
  verifySuccessor,
} from '../../../../protocol/signed/roster-succession.ts';
import { newUid, uidBytes } from '../../../../protocol/uid.ts';
import type { Decoder } from './decoders.ts';

const pair = generateEcdhKeyPair();
const signer = signerOf(pair.privateKey);
const uid = newUid();
const key: Bytes = new Uint8Array(32).fill(2);
const signature: Bytes = new Uint8Array(64).fill(1);
const member = {
  accountUid: uid,
  ecdhPublicKey: pair.publicKey,
  signingPublicKey: signer.publicKey,
  email: 'a',
};
const roster = {
  ...{
    organisationUid: uid,
    version: 1n,
    parentHash: empty,
    teams: [],
    recoveryPublicKey: empty,
    ends: [],
    formerTeamMembers: [],
  },
  members: [{ ...member, administrator: true }],
};
const issuer = { organisationUid: uid, organisationKey: signer.publicKey };
const release = { organisationUid: uid, accountUid: uid, requestUid: uid, temporaryKey: pair.publicKey };
const enrolmentObjects = [uid, uid, pair.publicKey];
const rosters = [
  encodeMessage(RosterSchema, { organisationUid: uidBytes(uid), version: 1n }),
  encodeMessage(RosterSchema, {
    ...{ organisationUid: uidBytes(uid), version: 2n, parentHash: key },
    members: [{ accountUid: uidBytes(uid), ecdhPublicKey: pair.publicKey, signingPublicKey: pair.publicKey }],
    teams: [{ teamUid: uidBytes(uid), memberUids: [uidBytes(uid)], keyVersion: 1 }],
    ends: [{ uid: uidBytes(uid), untilMs: 1n, signingPublicKey: pair.publicKey }],
    formerTeamMembers: [{ teamUid: uidBytes(uid), accountUid: uidBytes(uid), keyVersion: 1, untilMs: 1n }],
  }),
];

/** Under a right signature: what an organisation signs is not yet what a reader may trust in form. */
async function signedRoster(bytes: Uint8Array) {
  const { version, parentHash } = decodeMessage(RosterSchema, bytes);
  const statement = encodeContext(uidBytes(uid), uint64(version), parentHash, sha256(bytes));
  return create(SignedRosterSchema, {
    roster: new Uint8Array(bytes),
    signature: await signer.sign(signatureContexts.roster, statement),
  });
}

/** What a server gives of recoveries and of an organisation's keys, and what its people sealed for one another. */
export const recoveryDecoders: readonly Decoder<Uint8Array>[] = [
  {
    name: 'enrolment in recovery',
    valid: [
      encodeMessage(RecoveryEnrolmentSchema, { recoveryKey: pair.publicKey, sealedHash: key, signature }),
    ],
    decode: (bytes) =>
      requireEnrolment(uid, member, pair.publicKey, decodeMessage(RecoveryEnrolmentSchema, bytes)),
    cost: 5,
  },
  {
    name: 'sealed data key of an enrolment',
    valid: [await sealToPublicKey(pair.publicKey, 'account-recovery', enrolmentObjects, key)],
    decode: (bytes) => {
      const sealedDataKey = new Uint8Array(bytes);
      const sealed = create(RecoveryEnrolmentSchema, { sealedDataKey, sealedHash: sha256(sealedDataKey) });
      return openEnrolment(uid, uid, pair, sealed);
    },
    cost: 5,
  },
  {
    name: 'data key that an enrolment sealed',
    valid: [key],
    decode: async (bytes) => {
      const dataKey = new Uint8Array(bytes);
      const sealedDataKey = await sealToPublicKey(
        pair.publicKey,
        'account-recovery',
        enrolmentObjects,
        dataKey,
      );
      const sealed = create(RecoveryEnrolmentSchema, { sealedDataKey, sealedHash: sha256(sealedDataKey) });
      return await openEnrolment(uid, uid, pair, sealed);
    },
    cost: 5,
  },
  {
    name: 'release of a data key',
    valid: [
      encodeMessage(RecoveryReleaseSchema, { approverUid: uidBytes(uid), sealedDataKey: key, signature }),
    ],
    decode: async (bytes) => {
      const message = decodeMessage(RecoveryReleaseSchema, bytes);
      requireRelease(roster, release, message);
      return await openRelease(release, pair, message);
    },
    cost: 5,
  },
  {
    name: 'sealed data key of a release',
    valid: [await sealToPublicKey(pair.publicKey, 'recovery-release', [uid, uid, uid], key)],
    decode: (bytes) => {
      const message = create(RecoveryReleaseSchema, { sealedDataKey: new Uint8Array(bytes) });
      return openRelease(release, pair, message);
    },
    cost: 5,
  },
  {
    name: 'factors of a renewal',
    valid: [utf8('\n\u0003abc')],
    decode: (factors) =>
      verifyRenewal(pair.publicKey, { accountUid: uid, requestUid: uid, factors }, signature),
    cost: 5,
  },
  {
    name: 'roster that is signed and the next one',
    valid: rosters,
    decode: async (bytes) => {
      const before = { version: 0n, hash: empty };
      const signed = await signedRoster(bytes);
      requireSamePast(before, verifySuccessor(issuer, before, signed), signed);
    },
    cost: 5,
  },
  {
    name: 'roster that is signed and the very one',
    valid: rosters,
    decode: async (bytes) =>
      verifyRosterAt(issuer, { version: 2n, hash: sha256(bytes) }, await signedRoster(bytes)),
    cost: 5,
  },
  {
    name: 'key offer',
    valid: [await sealToPublicKey(pair.publicKey, 'organisation-key', [uid, uid], key)],
    decode: async (bytes) => {
      const sealedKey = new Uint8Array(bytes);
      const offered = { kind: 1, memberUid: uid, sealedKey };
      const offer = create(KeyOfferSchema, {
        ...{ kind: 1, sealedKey },
        signature: await signKeyOffer(signer, offered),
      });
      return await openKeyOffer(pair, uid, { uid, publicKey: signer.publicKey }, offer);
    },
    cost: 5,
  },
  {
    name: 'team key',
    valid: [key, new Uint8Array(32)],
    decode: async (bytes) => {
      const objects = [uid, uid, new Uint8Array([0, 0, 0, 1])];
      const sealedKey = await sealToPublicKey(pair.publicKey, 'team-key', objects, new Uint8Array(bytes));
      const said = { teamUid: uid, memberUid: uid, keyVersion: 1, sealedKey };
      const message = create(TeamKeySchema, {
        ...{ teamUid: uidBytes(uid), keyVersion: 1, sealedKey },
        signature: await signTeamKey(signer, said),
      });
      const team = { teamUid: uid, keyVersion: 1, memberUids: [], ecdhPublicKey: pair.publicKey };
      requireTeamKey(team, await openTeamKey(pair, uid, signer.publicKey, message));
    },
    cost: 5,
  },
];
