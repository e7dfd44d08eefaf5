import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RecordingKeepingSchema,
  SignedRecordingStatementSchema,
} from '../../../protocol/messages/gen/recording_pb.js';
import { hex, keyPair, sign, uid } from './independent.ts';

const [administrators, other] = [keyPair('keeping organisation'), keyPair('other keeping organisation')];
const [organisation, elsewhere] = [uid('keeping'), uid('kept elsewhere')];

function statementOf(change: object = {}): Uint8Array {
  return encodeMessage(RecordingKeepingSchema, {
    ...{ version: 1, organisationUid: organisation.bytes, revision: 2n, days: 90 },
    ...{ mostBytes: 1_099_511_627_776n, removeOldest: true, decidedAtMs: 1_800_000_000_000n },
    ...change,
  });
}

function signed(statement: Uint8Array, signer = administrators, what = 'recording-keeping'): string {
  const signature = sign(signer.privateKey, `sallyport/v1/signature/${what}`, statement);
  return hex(encodeMessage(SignedRecordingStatementSchema, { statement, signature }));
}

/** §30.1 */
export function recordingKeepings(): object[] {
  const base = {
    ...{ organisationUid: organisation.text, organisationKey: hex(administrators.publicKey) },
    ...{ signed: signed(statementOf()), revision: 2, days: 90, mostBytes: 1_099_511_627_776 },
    ...{ removeOldest: true, decidedAt: 1_800_000_000_000 },
  };
  const bad = (name: string, text: string, fails: string) => ({ ...base, name, signed: text, fails });
  const saying = (name: string, change: object, fails = 'malformed') =>
    bad(name, signed(statementOf(change)), fails);
  return [
    { ...base, name: 'how recordings are kept' },
    {
      ...{ ...base, name: 'without bounds', days: 0, mostBytes: 0, removeOldest: false },
      signed: signed(statementOf({ days: 0, mostBytes: 0n, removeOldest: false })),
    },
    bad('by another organisation', signed(statementOf(), other), 'bad-signature'),
    bad(
      'signed as settings',
      signed(statementOf(), administrators, 'organisation-settings'),
      'bad-signature',
    ),
    saying('of another organisation', { organisationUid: elsewhere.bytes }, 'bad-signature'),
    saying('of another version', { version: 2 }, 'unsupported-version'),
    saying('of no revision', { revision: 0n }),
    saying('for more than a century', { days: 36_501 }),
    saying('with more room than there may be', { mostBytes: 2n ** 50n + 1n }),
    saying('decided before 1970', { decidedAtMs: -1n }),
    bad('a signature that is cut', base.signed.slice(0, -2), 'malformed'),
    bad('too long', base.signed + '00'.repeat(2048), 'too-large'),
  ];
}
