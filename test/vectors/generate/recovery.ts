import { wordlist } from '@scure/bip39/wordlists/english.js';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { RosterSchema } from '../../../protocol/messages/gen/account_pb.js';
import { RenewedFactorsSchema } from '../../../protocol/messages/gen/recovery_pb.js';
import { damage } from './mutations.ts';
import { context, ecies, flip, hex, keyPair, seed, sha256, sign, uid, uint64 } from './independent.ts';

const none = new Uint8Array(0);
const organisation = keyPair('organisation');
const organisationUid = uid('organisation');
const member = uid('account');
const account = keyPair('account signing key');
const recovery = keyPair('organisation recovery');
const temporary = keyPair('recovery request');
const administrator = keyPair('administrator signing key');
const administratorUid = uid('administrator');
const request = uid('recovery request');
const other = uid('other');
const stranger = keyPair('stranger');
const dataKey = seed('data key');
const signatures = 'sallyport/v1/signature';
const parts = { 'ephemeral key': 1, nonce: 65, ciphertext: 77, tag: -1 };

/** §21.1, §21.3: eight words of the first 88 bits. */
export function recoveryWords(): object[] {
  const wordsOf = (digest: Uint8Array) => {
    const bits = [...digest.subarray(0, 11)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    return Array.from({ length: 8 }, (_, i) => wordlist[parseInt(bits.slice(i * 11, i * 11 + 11), 2)]);
  };
  const ofKey = (
    name: string,
    id = organisationUid,
    key = organisation.publicKey,
    of = recovery.publicKey,
  ) => ({
    name,
    identity: { organisationUid: id.text, organisationKey: hex(key), recoveryKey: hex(of) },
    words: wordsOf(sha256(context('sallyport/v1/recovery-key-fingerprint', id.bytes, key, of))),
  });
  const ofRequest = (name: string, id = request, email = 'ann@example.test', key = temporary.publicKey) => ({
    name,
    request: { requestUid: id.text, email, temporaryKey: hex(key) },
    words: wordsOf(sha256(context('sallyport/v1/recovery-request-fingerprint', id.bytes, email, key))),
  });
  return [
    ofKey('of a recovery key'),
    ofKey('of the key of another organisation', other),
    ofKey('of the key under another signing key', undefined, stranger.publicKey),
    ofKey('of another recovery key', undefined, undefined, stranger.publicKey),
    ofRequest('of a request'),
    ofRequest('of another request', other),
    ofRequest('of another address', undefined, 'änn@example.test'),
    ofRequest('of another temporary key', undefined, undefined, stranger.publicKey),
  ];
}

/** §21.2 */
export function recoveryEnrolments(): object[] {
  const label = `${signatures}/recovery-enrolment`;
  const objects = [organisationUid.text, member.text, recovery.publicKey];
  const seal = (
    to = recovery.publicKey,
    of: (string | Uint8Array)[] = objects,
    purpose = 'account-recovery',
    key = dataKey,
  ) => ecies('recovery enrolment', to, purpose, of, key);
  const statement = (
    sealed: Uint8Array,
    who = member.bytes,
    in_ = organisationUid.bytes,
    to = recovery.publicKey,
  ) => context(in_, who, to, sha256(sealed));
  const of = (sealed = seal(), signed = statement(sealed), signer = account, signedAs = label) => ({
    sealedDataKey: hex(sealed),
    sealedHash: hex(sha256(sealed)),
    signature: hex(sign(signer.privateKey, signedAs, signed)),
  });
  const base = {
    organisationUid: organisationUid.text,
    accountUid: member.text,
    accountKey: hex(account.publicKey),
    rosterKey: hex(recovery.publicKey),
    privateKey: hex(recovery.privateKey),
    recoveryKey: hex(recovery.publicKey),
    ...of(),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const sealed = seal();
  return [
    { ...base, name: 'an enrolment', dataKey: hex(dataKey) },
    bad('signed by another account', of(sealed, undefined, stranger)),
    bad('signed for another account', of(sealed, statement(sealed, other.bytes))),
    bad('signed for another organisation', of(sealed, statement(sealed, member.bytes, other.bytes))),
    bad(
      'signed for another recovery key',
      of(sealed, statement(sealed, undefined, undefined, stranger.publicKey)),
    ),
    bad('signed as a release', of(sealed, undefined, account, `${signatures}/recovery-release`)),
    bad('shown as another account’s', { accountUid: other.text }),
    bad('another ciphertext under the hash', { sealedDataKey: hex(flip(sealed, 90)) }),
    bad('another ciphertext and its hash', { ...of(flip(sealed, 90)), signature: of().signature }),
    bad('another recovery key beside the signature', { recoveryKey: hex(stranger.publicKey) }),
    bad('no signature', { signature: '' }),
    bad('no hash', { sealedHash: '' }),
    bad('for a recovery key of before', { rosterKey: hex(stranger.publicKey) }, 'untrusted'),
    bad(
      'sealed for another account',
      of(seal(undefined, [organisationUid.text, other.text, recovery.publicKey])),
      'open-failed',
    ),
    bad(
      'sealed in another organisation',
      of(seal(undefined, [other.text, member.text, recovery.publicKey])),
      'open-failed',
    ),
    bad('sealed as a release', of(seal(undefined, undefined, 'recovery-release')), 'open-failed'),
    bad('sealed to another key', of(seal(stranger.publicKey)), 'open-failed'),
    bad(
      'a data key of 31 bytes',
      of(seal(undefined, undefined, undefined, dataKey.subarray(1))),
      'malformed',
    ),
    ...damage(sealed, parts).map(({ name, bytes }) => bad(name, of(bytes), 'open-failed')),
  ];
}

/** §21.4 */
export function recoveryReleases(): object[] {
  const label = `${signatures}/recovery-release`;
  const seal = (
    to = temporary.publicKey,
    of = [organisationUid.text, member.text, request.text],
    purpose = 'recovery-release',
    key = dataKey,
  ) => ecies('recovery release', to, purpose, of, key);
  interface Said {
    readonly [name: string]: Uint8Array | undefined;
  }
  const statement = (sealed: Uint8Array, said: Said = {}) =>
    context(
      said['organisation'] ?? organisationUid.bytes,
      said['account'] ?? member.bytes,
      said['request'] ?? request.bytes,
      said['temporary'] ?? temporary.publicKey,
      said['approver'] ?? administratorUid.bytes,
      said['reset'] ?? Uint8Array.of(0),
      sha256(sealed),
    );
  const of = (sealed = seal(), said: Said = {}, signer = administrator, signedAs = label) => ({
    sealedDataKey: hex(sealed),
    signature: hex(sign(signer.privateKey, signedAs, statement(sealed, said))),
  });
  const base = {
    release: {
      organisationUid: organisationUid.text,
      accountUid: member.text,
      requestUid: request.text,
      temporaryKey: hex(temporary.publicKey),
    },
    approverUid: administratorUid.text,
    approverKey: hex(administrator.publicKey),
    administrator: true,
    resetSecondFactors: false,
    privateKey: hex(temporary.privateKey),
    ...of(),
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const sealed = seal();
  const shown = (change: object) => ({ release: { ...base.release, ...change } });
  return [
    { ...base, name: 'a release', dataKey: hex(dataKey) },
    {
      ...base,
      ...of(sealed, { reset: Uint8Array.of(1) }),
      name: 'with a reset of second factors',
      resetSecondFactors: true,
      dataKey: hex(dataKey),
    },
    bad('a reset that nobody signed', { resetSecondFactors: true }),
    bad('without the reset that was signed', of(sealed, { reset: Uint8Array.of(1) })),
    bad('signed by another administrator', of(sealed, {}, stranger)),
    bad('signed in another name', of(sealed, { approver: other.bytes })),
    bad('signed for another account', of(sealed, { account: other.bytes })),
    bad('signed for another organisation', of(sealed, { organisation: other.bytes })),
    bad('signed for another request', of(sealed, { request: other.bytes })),
    bad('signed for another temporary key', of(sealed, { temporary: stranger.publicKey })),
    bad('signed as an enrolment', of(sealed, {}, administrator, `${signatures}/recovery-enrolment`)),
    bad('another ciphertext', { sealedDataKey: hex(flip(sealed, 90)) }, 'open-failed'),
    bad('no signature', { signature: '' }),
    bad('by a member who is no administrator', { administrator: false }, 'untrusted'),
    bad('by nobody of the roster', { approverUid: other.text }, 'untrusted'),
    bad('shown to another request', shown({ requestUid: other.text }), 'open-failed'),
    bad('shown as another account’s', shown({ accountUid: other.text }), 'open-failed'),
    bad('sealed to another key', of(seal(stranger.publicKey)), 'open-failed'),
    bad('sealed as an enrolment', of(seal(undefined, undefined, 'account-recovery')), 'open-failed'),
    bad(
      'a data key of 33 bytes',
      of(seal(undefined, undefined, undefined, seed('data key', 33))),
      'malformed',
    ),
    ...damage(sealed, parts).map(({ name, bytes }) => bad(name, of(bytes), 'open-failed')),
  ];
}

/** §21.5 */
export function recoveryRenewals(): object[] {
  const label = `${signatures}/recovery-renewal`;
  const factors = encodeMessage(RenewedFactorsSchema, {
    passwordRecord: 'a record',
    passwordSealedDataKey: seed('password sealed', 69),
    recoveryRecord: 'another record',
    recoverySealedDataKey: seed('recovery sealed', 69),
  });
  const of = (
    who = member.bytes,
    which = request.bytes,
    what = factors,
    signer = account,
    signedAs = label,
  ) => hex(sign(signer.privateKey, signedAs, context(who, which, sha256(what))));
  const base = {
    accountKey: hex(account.publicKey),
    accountUid: member.text,
    requestUid: request.text,
    factors: hex(factors),
    signature: of(),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: 'a renewal' },
    bad('other factors', { factors: hex(flip(factors, 20)) }),
    bad('shown for another account', { accountUid: other.text }),
    bad('shown for another request', { requestUid: other.text }),
    bad('signed for another account', { signature: of(other.bytes) }),
    bad('signed for another request', { signature: of(undefined, other.bytes) }),
    bad('signed by another account', { signature: of(undefined, undefined, undefined, stranger) }),
    bad('signed as a release', {
      signature: of(undefined, undefined, undefined, undefined, `${signatures}/recovery-release`),
    }),
    bad('factors that are not hashed', {
      signature: hex(sign(account.privateKey, label, context(member.bytes, request.bytes, factors))),
    }),
    bad('no signature', { signature: '' }),
  ];
}

/** §6.3: what may come after a roster that was seen. */
export function rosterSuccessions(): object[] {
  const fields = { organisationUid: organisationUid.bytes, members: [] };
  const of = (version: bigint, parentHash: Uint8Array, change: object = {}, signer = organisation) => {
    const bytes = encodeMessage(RosterSchema, { ...fields, version, parentHash, ...change });
    const statement = context(organisationUid.bytes, uint64(Number(version)), parentHash, sha256(bytes));
    return { roster: hex(bytes), signature: hex(sign(signer.privateKey, `${signatures}/roster`, statement)) };
  };
  const hashOf = ({ roster }: { readonly roster: string }) => sha256(Buffer.from(roster, 'hex'));
  const first = of(1n, none);
  const before = of(5n, seed('roster four'));
  const next = of(6n, hashOf(before));
  const base = {
    organisationUid: organisationUid.text,
    organisationKey: hex(organisation.publicKey),
    before: { version: 5, hash: hex(hashOf(before)) },
  };
  const bad = (name: string, change: object, fails = 'untrusted') => ({ ...base, name, ...change, fails });
  const ends = (...uids: Uint8Array[]) => ({
    ends: uids.map((uid) => ({ uid, untilMs: 1_800_000_000_000n })),
  });
  const left = { teamUid: other.bytes, keyVersion: 3, untilMs: 1_800_000_000_000n };
  const former = (...uids: Uint8Array[]) => ({
    formerTeamMembers: (uids.length > 0 ? uids : [member.bytes]).map((accountUid) => ({
      ...left,
      accountUid,
    })),
  });
  return [
    { ...base, name: 'the next one', ...next, ends: [] },
    {
      ...base,
      name: 'the first one',
      before: { version: 0, hash: '' },
      ...first,
      ends: [],
    },
    {
      ...base,
      name: 'with what ended',
      ...of(6n, hashOf(before), ends(other.bytes, member.bytes)),
      ends: [
        { uid: other.text, untilMs: 1_800_000_000_000 },
        { uid: member.text, untilMs: 1_800_000_000_000 },
      ],
    },
    {
      ...base,
      name: 'with who left',
      ...of(6n, hashOf(before), {
        ends: [
          {
            ...{ uid: member.bytes, untilMs: 1_800_000_000_000n },
            signingPublicKey: stranger.publicKey,
          },
        ],
      }),
      ends: [
        {
          ...{ uid: member.text, untilMs: 1_800_000_000_000 },
          departed: { signingPublicKey: hex(stranger.publicKey) },
        },
      ],
    },
    {
      ...base,
      name: 'with who left a team',
      ...of(6n, hashOf(before), former()),
      ends: [],
      formerTeamMembers: [
        { teamUid: other.text, accountUid: member.text, keyVersion: 3, untilMs: 1_800_000_000_000 },
      ],
    },
    bad('the same one again', before),
    bad('another one of the same version', of(5n, seed('roster four'), ends(other.bytes))),
    bad('one left out', of(7n, hashOf(before))),
    bad('an older one', of(4n, hashOf(before))),
    bad('of another past', of(6n, seed('another past'))),
    bad('of the past of before', of(6n, seed('roster four'))),
    bad('another organisation’s', { organisationUid: other.text, ...next }),
    bad('signed by another key', of(6n, hashOf(before), {}, stranger), 'bad-signature'),
    bad(
      'an end added',
      { ...next, roster: of(6n, hashOf(before), ends(other.bytes)).roster },
      'bad-signature',
    ),
    bad(
      'an end taken away',
      { ...of(6n, hashOf(before), ends(other.bytes)), roster: next.roster },
      'bad-signature',
    ),
    bad('an end twice', of(6n, hashOf(before), ends(other.bytes, other.bytes)), 'malformed'),
    bad('an end of nothing', of(6n, hashOf(before), ends(none)), 'malformed'),
    bad(
      'somebody who left a team, twice',
      of(6n, hashOf(before), former(member.bytes, member.bytes)),
      'malformed',
    ),
    bad('nobody who left a team', of(6n, hashOf(before), former(none)), 'malformed'),
    bad(
      'somebody who left a team, added',
      { ...next, roster: of(6n, hashOf(before), former()).roster },
      'bad-signature',
    ),
    bad('no parent', of(6n, none), 'malformed'),
  ];
}
