// What administrators say about keeping recordings: by their organisation's key, for it alone, in one encoding.
import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RecordingKeepingSchema,
  SignedRecordingStatementSchema,
} from '../../../protocol/messages/gen/recording_pb.js';
import { signatureContexts } from '../../../protocol/crypto/labels.ts';
import {
  signKeeping,
  verifyKeeping,
  type RecordingKeeping,
} from '../../../protocol/signed/recording-keeping.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { codeOf } from '../../fixtures/outcome.ts';

const signer = signerOf(generateEcdhKeyPair().privateKey);
const organisation = { uid: newUid(), publicKey: signer.publicKey };
const said: RecordingKeeping = {
  ...{ organisationUid: organisation.uid, revision: 3, days: 90, mostBytes: 2 ** 40, removeOldest: true },
  decidedAt: 1_800_000_000_000,
};
const read = async (signed: Uint8Array, of = organisation) => verifyKeeping(of, signed);

test('what was signed is read again', async () => {
  expect(await read(await signKeeping(signer, said))).toEqual(said);
  const least = { ...said, days: 0, mostBytes: 0, removeOldest: false };
  expect(await read(await signKeeping(signer, least))).toEqual(least);
});

test('another key, another organisation, and one that says it is another are refused', async () => {
  const other = signerOf(generateEcdhKeyPair().privateKey);
  expect(await codeOf(read(await signKeeping(other, said)))).toBe('bad-signature');
  const elsewhere = { ...organisation, uid: newUid() };
  expect(await codeOf(read(await signKeeping(signer, said), elsewhere))).toBe('bad-signature');
  const foreign = await signKeeping(signer, { ...said, organisationUid: newUid() });
  expect(await codeOf(read(foreign))).toBe('bad-signature');
});

test.each([
  ['no revision', { revision: 0n }],
  ['more days than a century', { days: 36_501 }],
  ['more bytes than a pebibyte', { mostBytes: 2n ** 50n + 1n }],
  ['a time before all', { decidedAtMs: -1n }],
  ['an organisation without name', { organisationUid: new Uint8Array(3) }],
])('%s is no statement, whoever signed it', async (_, change) => {
  const { statement } = decodeMessage(SignedRecordingStatementSchema, await signKeeping(signer, said));
  const wrong = encodeMessage(RecordingKeepingSchema, {
    ...decodeMessage(RecordingKeepingSchema, statement),
    ...change,
  });
  const signature = await signer.sign(signatureContexts.recordingKeeping, wrong);
  const signed = encodeMessage(SignedRecordingStatementSchema, { statement: wrong, signature });
  expect(await codeOf(read(signed))).toBe('malformed');
});

test('another version, and any changed bit, are refused', async () => {
  const bytes = encodeMessage(RecordingKeepingSchema, {
    ...{ version: 2, organisationUid: uidBytes(organisation.uid), revision: 1n },
  });
  const signature = await signer.sign(signatureContexts.recordingKeeping, bytes);
  const newer = encodeMessage(SignedRecordingStatementSchema, { statement: bytes, signature });
  expect(await codeOf(read(newer))).toBe('unsupported-version');
  const signed = await signKeeping(signer, said);
  for (let at = 0; at < signed.length; at++) {
    const changed = signed.with(at, (signed[at] ?? 0) ^ 1);
    expect(['bad-signature', 'malformed', 'unsupported-version']).toContain(await codeOf(read(changed)));
  }
});
