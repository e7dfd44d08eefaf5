import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { ecdhPublicKey } from '../../protocol/crypto/ecdh.ts';
import { SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { RecoveryEnrolmentSchema, RecoveryReleaseSchema } from '../../protocol/messages/gen/recovery_pb.js';
import {
  openEnrolment,
  openRelease,
  recoveryKeyWords,
  recoveryRequestWords,
  requireEnrolment,
  requireRelease,
} from '../../protocol/organisation/recovery.ts';
import { verifyRenewal } from '../../protocol/signed/recovery.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
import { verifyRosterAt, verifySuccessor } from '../../protocol/signed/roster-succession.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import enrolments from './recovery-enrolments.json' with { type: 'json' };
import releases from './recovery-releases.json' with { type: 'json' };
import renewals from './recovery-renewals.json' with { type: 'json' };
import words from './recovery-words.json' with { type: 'json' };
import successions from './roster-successions.json' with { type: 'json' };

const pairOf = (privateKey: string) => {
  const key = parseHex(privateKey);
  return { privateKey: key, publicKey: ecdhPublicKey(key) };
};

interface Words {
  readonly identity?: {
    readonly organisationUid: Uid;
    readonly organisationKey: string;
    readonly recoveryKey: string;
  };
  readonly request?: { readonly requestUid: Uid; readonly email: string; readonly temporaryKey: string };
  readonly words: readonly string[];
}

runVectors<Words>('words of recovery', words, ({ identity, request, words: expected }) => {
  if (identity) {
    const { organisationUid, organisationKey, recoveryKey } = identity;
    const keys = { organisationKey: parseHex(organisationKey), recoveryKey: parseHex(recoveryKey) };
    expect(recoveryKeyWords({ organisationUid, ...keys })).toEqual(expected);
  }
  if (request) {
    const temporaryKey = parseHex(request.temporaryKey);
    expect(recoveryRequestWords({ ...request, temporaryKey })).toEqual(expected);
  }
});

interface Enrolment {
  readonly organisationUid: Uid;
  readonly accountUid: Uid;
  readonly accountKey: string;
  readonly rosterKey: string;
  readonly privateKey: string;
  readonly recoveryKey: string;
  readonly sealedDataKey: string;
  readonly sealedHash: string;
  readonly signature: string;
  readonly dataKey: string;
}

runVectors<Enrolment>('enrolment in recovery', enrolments, async (vector) => {
  const { organisationUid, accountUid } = vector;
  const enrolment = create(RecoveryEnrolmentSchema, {
    recoveryKey: parseHex(vector.recoveryKey),
    sealedDataKey: parseHex(vector.sealedDataKey),
    sealedHash: parseHex(vector.sealedHash),
    signature: parseHex(vector.signature),
  });
  const member = { accountUid, signingPublicKey: parseHex(vector.accountKey) };
  requireEnrolment(organisationUid, member, parseHex(vector.rosterKey), enrolment);
  const dataKey = await openEnrolment(organisationUid, accountUid, pairOf(vector.privateKey), enrolment);
  expect(encodeHex(dataKey)).toBe(vector.dataKey);
});

interface Release {
  readonly release: {
    readonly organisationUid: Uid;
    readonly accountUid: Uid;
    readonly requestUid: Uid;
    readonly temporaryKey: string;
  };
  readonly approverUid: Uid;
  readonly approverKey: string;
  readonly administrator: boolean;
  readonly resetSecondFactors: boolean;
  readonly privateKey: string;
  readonly sealedDataKey: string;
  readonly signature: string;
  readonly dataKey: string;
}

/** Who may release: the roster of these vectors has one administrator. */
const administratorUid = (releases.cases[0]?.approverUid ?? '') as Uid;

runVectors<Release>('release of a data key', releases, async (vector) => {
  const release = { ...vector.release, temporaryKey: parseHex(vector.release.temporaryKey) };
  const message = create(RecoveryReleaseSchema, {
    approverUid: uidBytes(vector.approverUid),
    sealedDataKey: parseHex(vector.sealedDataKey),
    resetSecondFactors: vector.resetSecondFactors,
    signature: parseHex(vector.signature),
  });
  const dataKey = await openRelease(release, pairOf(vector.privateKey), message);
  const key = parseHex(vector.approverKey);
  const member = { accountUid: administratorUid, ecdhPublicKey: key, signingPublicKey: key, email: 'admin' };
  const roster = {
    ...{ organisationUid: release.organisationUid, version: 1n, parentHash: new Uint8Array(0) },
    ...{
      members: [{ ...member, administrator: vector.administrator }],
      teams: [],
      ends: [],
      formerTeamMembers: [],
    },
    recoveryPublicKey: new Uint8Array(0),
  };
  requireRelease(roster, release, message);
  expect(encodeHex(dataKey)).toBe(vector.dataKey);
});

interface Renewal {
  readonly accountKey: string;
  readonly accountUid: Uid;
  readonly requestUid: Uid;
  readonly factors: string;
  readonly signature: string;
}

runVectors<Renewal>('renewal of factors', renewals, ({ accountKey, factors, signature, ...uids }) =>
  verifyRenewal(parseHex(accountKey), { ...uids, factors: parseHex(factors) }, parseHex(signature)),
);

interface Succession {
  readonly organisationUid: Uid;
  readonly organisationKey: string;
  readonly before: { readonly version: number; readonly hash: string };
  readonly roster: string;
  readonly signature: string;
  readonly ends: readonly {
    readonly uid: Uid;
    readonly untilMs: number;
    readonly departed?: { readonly signingPublicKey: string };
  }[];
  readonly formerTeamMembers?: Roster['formerTeamMembers'];
}

runVectors<Succession>('roster after roster', successions, (vector) => {
  const issuer = {
    organisationUid: vector.organisationUid,
    organisationKey: parseHex(vector.organisationKey),
  };
  const before = { version: BigInt(vector.before.version), hash: parseHex(vector.before.hash) };
  const bytes = parseHex(vector.roster);
  const signed = create(SignedRosterSchema, { roster: bytes, signature: parseHex(vector.signature) });
  const roster = verifySuccessor(issuer, before, signed);
  const ends = vector.ends.map(({ departed, ...end }) => ({
    ...end,
    ...(departed && { departed: { signingPublicKey: parseHex(departed.signingPublicKey) } }),
  }));
  expect(roster.ends).toEqual(ends);
  expect(roster.formerTeamMembers).toEqual(vector.formerTeamMembers ?? []);
  const point = { version: before.version + 1n, hash: sha256(bytes) };
  expect(verifyRosterAt(issuer, point, signed)).toEqual(roster);
});
