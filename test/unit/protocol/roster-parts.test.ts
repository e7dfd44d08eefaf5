import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { empty } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { limits } from '../../../protocol/limits.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SignedRosterSchema } from '../../../protocol/messages/gen/account_pb.js';
import { RosterPartSchema, RouterToGatewayFrameSchema } from '../../../protocol/messages/gen/link_pb.js';
import { RosterAssembly, splitRoster } from '../../../protocol/signed/roster-parts.ts';
import { signRoster, verifyRoster } from '../../../protocol/signed/roster.ts';
import { newUid } from '../../../protocol/uid.ts';

const pair = generateEcdhKeyPair();
const organisationUid = newUid();

async function rosterOf(members: number) {
  const signed = await signRoster(signerOf(pair.privateKey), {
    ...{
      organisationUid,
      version: 1n,
      parentHash: empty,
      teams: [],
      recoveryPublicKey: empty,
      ends: [],
      formerTeamMembers: [],
    },
    members: Array.from({ length: members }, (_, i) => ({
      ...{ accountUid: newUid(), ecdhPublicKey: pair.publicKey, signingPublicKey: pair.publicKey },
      ...{ administrator: i === 0, email: `a.person.with.a.name.${i}@example.test` },
    })),
  });
  return create(SignedRosterSchema, signed);
}

const partsOf = async (members: number) =>
  splitRoster(await rosterOf(members)).map((part) => create(RosterPartSchema, part));

test('the largest organisation fits: ten thousand members, in frames that a link takes', async () => {
  const parts = await partsOf(limits.rosterMembers);
  expect(parts.length).toBeGreaterThan(10);
  for (const value of parts) {
    const frame = encodeMessage(RouterToGatewayFrameSchema, { body: { case: 'rosterPart', value } });
    expect(frame.length).toBeLessThan(limits.linkFrame);
  }
  const assembly = new RosterAssembly();
  const whole = parts.map((part) => assembly.add(part)).at(-1);
  if (!whole) throw new Error('not whole');
  const expected = { organisationUid, organisationKey: pair.publicKey, minimumVersion: 1n };
  expect(verifyRoster(whole, expected).members).toHaveLength(limits.rosterMembers);
});

test('parts out of order, twice, or of too many are refused, and the next roster begins anew', async () => {
  const [first, second, ...rest] = await partsOf(2_000);
  if (!first || !second) throw new Error('two parts');
  const codeOf = (run: () => unknown) => {
    try {
      return run();
    } catch (error) {
      return (error as Error).name;
    }
  };
  const assembly = new RosterAssembly();
  expect(codeOf(() => assembly.add(second))).toBe('malformed');
  expect(codeOf(() => assembly.add(first))).toBeNull();
  expect(codeOf(() => assembly.add({ ...second, index: 2 }))).toBe('malformed');
  expect(codeOf(() => assembly.add(second))).toBe('malformed');
  expect(codeOf(() => assembly.add({ ...first, count: 1_000 }))).toBe('too-large');
  expect(codeOf(() => assembly.add({ ...first, count: 0 }))).toBe('malformed');
  // a roster that is cut off by the next one
  expect(codeOf(() => assembly.add(first))).toBeNull();
  const whole = [first, second, ...rest].map((part) => assembly.add(part)).at(-1);
  expect(whole?.signature).toHaveLength(64);
});
