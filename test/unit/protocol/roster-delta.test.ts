import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { empty, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { RosterDeltaSchema } from '../../../protocol/messages/gen/organisation_pb.js';
import { applyRosterDelta, diffRoster } from '../../../protocol/signed/roster-delta.ts';
import { signRoster, type Roster } from '../../../protocol/signed/roster.ts';
import { newUid } from '../../../protocol/uid.ts';

const { publicKey, privateKey } = generateEcdhKeyPair();
const signer = signerOf(privateKey);
const organisationUid = newUid();

const member = (i: number) => ({
  ...{ accountUid: newUid(), ecdhPublicKey: publicKey, signingPublicKey: publicKey },
  ...{ administrator: i === 0, email: `a.person.with.a.name.${i}@example.test` },
});

async function rosterOf(members: Roster['members'], version: bigint, parent: Bytes): Promise<Bytes> {
  const rest = { teams: [], recoveryPublicKey: empty, ends: [], formerTeamMembers: [] };
  const parentHash = parent.length === 0 ? empty : sha256(parent);
  const signed = await signRoster(signer, { organisationUid, version, parentHash, members, ...rest });
  return signed.roster;
}

const delta = (pieces: readonly { start?: number; count?: number; literal?: Bytes }[]) =>
  create(RosterDeltaSchema, { pieces: [...pieces] });

test('who comes, goes or changes among three thousand takes less than a kilobyte, and gives the very bytes', async () => {
  const members = Array.from({ length: 3_000 }, (_, i) => member(i));
  const first = await rosterOf(members, 1n, empty);
  const changed = members.map((one, i) => (i === 1_500 ? { ...one, administrator: true } : one));
  const others = [[...members, member(3_000)], members.toSpliced(1_234, 1), changed, members.toReversed()];
  for (const [i, next] of others.entries()) {
    const second = await rosterOf(next, 2n, first);
    const made = diffRoster(first, second);
    expect(applyRosterDelta(first, create(RosterDeltaSchema, made))).toEqual(second);
    if (i < 3) expect(encodeMessage(RosterDeltaSchema, made).length).toBeLessThan(1_024);
  }
});

test('pieces that are none, or make too much, are refused', async () => {
  const roster = await rosterOf([member(0), member(1)], 1n, empty);
  const bad = [
    [{ start: 0, count: 100 }],
    [{ start: 4_294_967_295, count: 4_294_967_295 }],
    [{}],
    [{ start: 0, count: 1, literal: randomBytes(3) }],
  ];
  for (const pieces of bad) expect(() => applyRosterDelta(roster, delta(pieces))).toThrow('not a piece');
  const endless = Array.from({ length: limits.rosterBytes / 30 }, () => ({
    start: 0,
    count: 3,
  }));
  expect(() => applyRosterDelta(roster, delta(endless))).toThrow('too many bytes');
  expect(() => applyRosterDelta(randomBytes(40).fill(0xff), delta([]))).toThrow('not a roster');
});
