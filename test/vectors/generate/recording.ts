import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RecordingChunkSchema,
  RecordingClosingSchema,
  RecordingOpeningSchema,
  SignedRecordingStatementSchema,
} from '../../../protocol/messages/gen/recording_pb.js';
import { damage } from './mutations.ts';
import {
  concat,
  context,
  envelope,
  flip,
  hex,
  hkdf,
  keyPair,
  pad,
  seed,
  sha256,
  sign,
  uid,
  uint32,
  utf8,
  type KeyPair,
} from './independent.ts';

const none = new Uint8Array(0);
const gateway = keyPair('gateway device');
const other = keyPair('other gateway');
const [session, record] = [uid('session'), uid('record')];
const [account, owner] = [uid('account'), uid('owner')];
const [gatewayUid, application] = [uid('gateway'), uid('application')];
const recordingKey = seed('recording key');
const copyKey = seed('copy key');
const resourceKey = hkdf(copyKey, none, context('sallyport/v1/resource-key', application.text, record.text));
const indexKey = hkdf(recordingKey, none, context('sallyport/v1/recording-index-key', session.text));
const keyObjects = [session.text, record.text, gatewayUid.text];
const wrapped = envelope('wrapped recording', resourceKey, 'recording-key', keyObjects, recordingKey);
const label = (what: string) => `sallyport/v1/signature/recording-${what}`;

function statement(what: string, bytes: Uint8Array, signer: KeyPair = gateway): Uint8Array {
  const signature = sign(signer.privateKey, label(what), bytes);
  return encodeMessage(SignedRecordingStatementSchema, { statement: bytes, signature });
}

function openingOf(change: object = {}): Uint8Array {
  return encodeMessage(RecordingOpeningSchema, {
    ...{ version: 1, sessionUid: session.bytes, recordUid: record.bytes, accountUid: account.bytes },
    ...{ gatewayUid: gatewayUid.bytes, applicationUid: application.bytes, ownerUid: owner.bytes },
    ...{ keyVersion: 1, gatewayKey: gateway.publicKey, startedAtMs: 1_800_000_000_000n, protocol: 'ssh' },
    ...{ policy: { graphical: true, text: true }, wrappedKey: wrapped },
    ...change,
  });
}

interface Header {
  readonly session?: Uint8Array;
  readonly index?: number;
  readonly track?: number;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly keyFrame?: boolean;
  readonly final?: boolean;
}

function headerOf(header: Header): Uint8Array {
  const flags = (header.keyFrame ? 1 : 0) | (header.final ? 2 : 0);
  return context(
    header.session ?? session.bytes,
    uint32(header.index ?? 0),
    Uint8Array.of(header.track ?? 2, flags),
    uint32(header.startMs ?? 0),
    uint32(header.endMs ?? 1000),
  );
}

/** DEFLATE's stored block: the same bytes whatever library. */
function deflated(bytes: Uint8Array): Uint8Array {
  const length = Uint8Array.of(bytes.length & 255, bytes.length >> 8);
  const inverse = Uint8Array.of(~bytes.length & 255, (~bytes.length >> 8) & 255);
  return concat(Uint8Array.of(1), length, inverse, bytes);
}

function entry(atMs: number, kind: number, bytes: Uint8Array): Uint8Array {
  return concat(uint32(atMs), Uint8Array.of(kind), uint32(bytes.length), bytes);
}

const resize = Uint8Array.of(0, 80, 0, 24);
const text = concat(entry(10, 4, resize), entry(20, 2, utf8('$ ')));

function sealedEntries(
  entries: Uint8Array,
  header: Header = {},
  { key = recordingKey, purpose = 'recording-chunk', plaintext = pad(deflated(entries)) as Uint8Array } = {},
): Uint8Array {
  return envelope('recording chunk', key, purpose, [headerOf(header)], plaintext);
}

/** §25.1: from the copy key of a record to the key of a recording. */
export function recordingKeys(): object[] {
  const base = {
    copyKey: hex(copyKey),
    ...{ applicationUid: application.text, recordUid: record.text },
    ...{ sessionUid: session.text, gatewayUid: gatewayUid.text, wrapped: hex(wrapped) },
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'open-failed' });
  const under = (name: string, key: Uint8Array, purpose = 'recording-key', plaintext = recordingKey) =>
    bad(name, { wrapped: hex(envelope('wrapped recording', key, purpose, keyObjects, plaintext)) });
  const elsewhere = uid('elsewhere').text;
  return [
    { ...base, name: 'a recording key', key: hex(recordingKey) },
    bad('of another session', { sessionUid: elsewhere }),
    bad('of another record', { recordUid: elsewhere }),
    bad('of another gateway', { gatewayUid: elsewhere }),
    bad('of another application', { applicationUid: elsewhere }),
    bad('of another copy key', { copyKey: hex(seed('other')) }),
    under('under the copy key itself', copyKey),
    under('sealed as a record key', resourceKey, 'record-key'),
    under('too short', resourceKey, 'recording-key', seed('short', 16)),
    ...damage(wrapped, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(
      ({ name, bytes }) => bad(name, { wrapped: hex(bytes) }),
    ),
  ];
}

/** §25.5 */
export function recordingChunks(): object[] {
  const shown = { sessionUid: session.text, index: 0, track: 2, startMs: 0, endMs: 1000 };
  const sealed = sealedEntries(text);
  const base = { key: hex(recordingKey), ...shown, keyFrame: false, final: false, sealed: hex(sealed) };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const holding = (name: string, entries: Uint8Array, fails = 'malformed') =>
    bad(name, { sealed: hex(sealedEntries(entries)) }, fails);
  const raw = (name: string, plaintext: Uint8Array, fails = 'malformed') =>
    bad(name, { sealed: hex(sealedEntries(text, {}, { plaintext })) }, fails);
  const picture = entry(5, 1, utf8('4.sync,1.1;'));
  return [
    {
      ...{ ...base, name: 'a piece of a terminal' },
      entries: [
        { atMs: 10, kind: 'resize', bytes: hex(resize) },
        { atMs: 20, kind: 'output', bytes: hex(utf8('$ ')) },
      ],
    },
    {
      ...{ ...base, name: 'a key frame, and the last', track: 1, keyFrame: true, final: true, index: 7 },
      sealed: hex(sealedEntries(picture, { track: 1, keyFrame: true, final: true, index: 7 })),
      entries: [{ atMs: 5, kind: 'picture', bytes: hex(utf8('4.sync,1.1;')) }],
    },
    {
      ...{ ...base, name: 'a screen, and the picture after it', track: 1, keyFrame: true },
      sealed: hex(
        sealedEntries(concat(entry(5, 6, utf8('4.sync,1.1;')), picture), { track: 1, keyFrame: true }),
      ),
      entries: [
        { atMs: 5, kind: 'screen', bytes: hex(utf8('4.sync,1.1;')) },
        { atMs: 5, kind: 'picture', bytes: hex(utf8('4.sync,1.1;')) },
      ],
    },
    {
      ...{ ...base, name: 'keys, and a place where some were left out', track: 3 },
      sealed: hex(sealedEntries(concat(entry(1, 3, utf8('ls\r')), entry(2, 5, none)), { track: 3 })),
      entries: [
        { atMs: 1, kind: 'keys', bytes: hex(utf8('ls\r')) },
        { atMs: 2, kind: 'withheld', bytes: '' },
      ],
    },
    {
      ...{ ...base, name: 'lines of the index, under its own key', track: 4 },
      sealed: hex(sealedEntries(entry(7, 7, utf8('$ ls')), { track: 4 }, { key: indexKey })),
      entries: [{ atMs: 7, kind: 'line', bytes: hex(utf8('$ ls')) }],
    },
    {
      ...{ ...base, name: 'who typed', track: 5 },
      sealed: hex(sealedEntries(entry(7, 9, new Uint8Array(16).fill(7)), { track: 5 })),
      entries: [{ atMs: 7, kind: 'typist', bytes: '07'.repeat(16) }],
    },
    bad(
      'half an account',
      { track: 5, sealed: hex(sealedEntries(entry(7, 9, new Uint8Array(8)), { track: 5 })) },
      'malformed',
    ),
    bad(
      'an account among the keys',
      { track: 3, sealed: hex(sealedEntries(entry(7, 9, new Uint8Array(16)), { track: 3 })) },
      'malformed',
    ),
    {
      ...{ ...base, name: 'the end of an index that was cut', track: 4 },
      sealed: hex(
        sealedEntries(concat(entry(7, 7, utf8('$ ls')), entry(8, 8, none)), { track: 4 }, { key: indexKey }),
      ),
      entries: [
        { atMs: 7, kind: 'line', bytes: hex(utf8('$ ls')) },
        { atMs: 8, kind: 'cut', bytes: '' },
      ],
    },
    bad(
      'a cut that says more',
      {
        track: 4,
        sealed: hex(sealedEntries(entry(8, 8, utf8('x')), { track: 4 }, { key: indexKey })),
      },
      'malformed',
    ),
    bad('lines of the index under the key of the rest', {
      ...{ track: 4, sealed: hex(sealedEntries(entry(7, 7, utf8('$ ls')), { track: 4 })) },
    }),
    bad('the text under the key of the index', {
      sealed: hex(sealedEntries(text, {}, { key: indexKey })),
    }),
    { ...base, name: 'nothing', sealed: hex(sealedEntries(none)), entries: [] },
    bad('of another session', { sessionUid: uid('elsewhere').text }),
    bad('of another place', { index: 1 }),
    bad('of another track', { track: 1 }),
    bad('of another beginning', { startMs: 1 }),
    bad('of another end', { endMs: 1001 }),
    bad('taken for a key frame', { keyFrame: true }),
    bad('taken for the last', { final: true }),
    bad('another key', { key: hex(seed('other')) }),
    bad('sealed as a chunk of a file', {
      sealed: hex(sealedEntries(text, {}, { purpose: 'file-chunk' })),
    }),
    raw('without padding', deflated(text)),
    raw('not deflated', pad(text)),
    raw('deflated and cut', pad(deflated(text).subarray(0, -1))),
    raw('deflated, and something behind it', pad(concat(deflated(text), Uint8Array.of(0)))),
    holding('a picture on the track of text', picture),
    holding('a screen on the track of text', entry(5, 6, utf8('4.sync,1.1;'))),
    holding('a kind that is not known', entry(1, 9, none)),
    holding('time that falls', concat(entry(20, 2, none), entry(10, 2, none))),
    holding('an entry after the chunk', entry(1001, 2, none)),
    holding('an entry that is cut', text.subarray(0, -1)),
    holding('a size of three bytes', entry(1, 4, resize.subarray(1))),
    ...damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(({ name, bytes }) =>
      bad(name, { sealed: hex(bytes) }),
    ),
  ];
}

interface Made {
  readonly part: Uint8Array;
  readonly chain: Uint8Array;
}

function partOf(kind: number, bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(kind), uint32(bytes.length), bytes);
}

function chunkPart(previous: Uint8Array, header: Header, signer: KeyPair = gateway): Made {
  const { index = 0, track = 2, startMs = 0, endMs = 1000, keyFrame = false, final = false } = header;
  const sealed = sealedEntries(text, header);
  const link = context(previous, headerOf(header), sha256(sealed));
  const signature = sign(signer.privateKey, label('chunk'), link);
  const said = { index, track, startMs, endMs, keyFrame, final, previous, sealed, signature };
  const sessionUid = header.session ?? session.bytes;
  return {
    part: partOf(2, encodeMessage(RecordingChunkSchema, { ...said, sessionUid })),
    chain: sha256(link),
  };
}

/** A recording of three chunks, and what it is made of. */
function recordingOf(opening = openingOf()) {
  const first = sha256(context('opening', opening));
  const one = chunkPart(first, { index: 0, startMs: 0, endMs: 1000 });
  const two = chunkPart(one.chain, { index: 1, startMs: 1000, endMs: 2000 });
  const three = chunkPart(two.chain, { index: 2, startMs: 2000, endMs: 2500, final: true });
  const closing = (change: object = {}) =>
    encodeMessage(RecordingClosingSchema, {
      ...{ sessionUid: session.bytes, chunkCount: 3, chain: three.chain, lengthMs: 2500 },
      ...{ endedAtMs: 1_800_000_002_500n, reason: 'closed', ...change },
    });
  return {
    ...{ first, one, two, three, closing },
    begin: partOf(1, statement('opening', opening)),
    end: partOf(3, statement('closing', closing())),
  };
}

/** §25.7, §25.8: `faults` are all that a verifier finds; none when all is well. */
export function recordings(): object[] {
  const magic = utf8('sallyport recording 1\n');
  const { first, one, two, three, begin, end, closing } = recordingOf();
  const parts = [begin, one.part, two.part, three.part, end];
  const file = (...list: readonly Uint8Array[]) => hex(concat(magic, ...list));
  const base = { gatewayKey: hex(gateway.publicKey), file: file(...parts) };
  const with_ = (name: string, list: readonly Uint8Array[], ...faults: readonly string[]) => ({
    ...{ ...base, name, file: file(...list), faults },
  });
  const closed = (change: object, signer = gateway) =>
    partOf(3, statement('closing', closing(change), signer));
  const interrupted = closed({ chunkCount: 2, chain: two.chain, reason: 'interrupted' });
  const elsewhere = uid('elsewhere').bytes;
  const foreign = chunkPart(one.chain, { session: elsewhere, index: 1, startMs: 1000, endMs: 2000 });
  const twin = recordingOf(openingOf({ startedAtMs: 1n }));
  const bad = (name: string, bytes: Uint8Array, fails: string) => ({
    ...base,
    name,
    file: hex(bytes),
    fails,
  });
  return [
    { ...base, name: 'complete', faults: [] },
    with_('interrupted', [begin, one.part, two.part, interrupted]),
    with_('closed with a count of the index', [...parts.slice(0, 4), closed({ indexChunks: 0 })]),
    with_('closed with a count of the text', [...parts.slice(0, 4), closed({ textChunks: 3 })]),
    with_('without a chunk, interrupted', [
      begin,
      closed({ chunkCount: 0, chain: first, reason: 'interrupted' }),
    ]),
    with_('a chunk missing', [begin, one.part, three.part, end], 'missing-chunk 1'),
    with_('the last chunk missing', [begin, one.part, two.part, end], 'truncated 2'),
    with_('chunks and closing missing', [begin, one.part], 'not-closed'),
    with_('two chunks swapped', [begin, two.part, one.part, three.part, end], 'reordered-chunk 0'),
    with_('a chunk twice', [begin, one.part, one.part, two.part, three.part, end], 'repeated-chunk 0'),
    with_('a chunk changed', [begin, one.part, flip(two.part, 150), three.part, end], 'changed-chunk 1'),
    with_(
      'a chunk of another gateway',
      [begin, one.part, chunkPart(one.chain, { index: 1 }, other).part, three.part, end],
      'changed-chunk 1',
    ),
    with_(
      'a chunk of another session',
      [begin, one.part, foreign.part, three.part, end],
      'foreign-session 1',
      'missing-chunk 1',
    ),
    with_(
      'a chunk of another recording of the same session',
      [begin, one.part, twin.two.part, three.part, end],
      'spliced 1',
      'spliced 2',
    ),
    with_(
      'the chunks of another recording',
      [begin, twin.one.part, two.part, three.part, end],
      'spliced 0',
      'spliced 1',
    ),
    with_('a closing of another gateway', [...parts.slice(0, 4), closed({}, other)], 'forged-closing'),
    with_(
      'a closing of another session',
      [...parts.slice(0, 4), closed({ sessionUid: elsewhere })],
      'foreign-session',
    ),
    with_('a closing of another chain', [...parts.slice(0, 4), closed({ chain: first })], 'spliced'),
    with_('a closing before the end', [...parts.slice(0, 3), end], 'truncated 2'),
    with_('a chunk after the closing', [...parts.slice(0, 3), interrupted, three.part], 'after-the-end'),
    with_('a chunk that the closing does not count', [...parts.slice(0, 4), interrupted], 'after-the-end 2'),
    with_(
      'closed as if it were whole, without a last chunk',
      [begin, one.part, two.part, closed({ chunkCount: 2, chain: two.chain })],
      'no-last-chunk',
    ),
    with_(
      'without its opening',
      [one.part, two.part, three.part, end],
      ...Array.from({ length: 4 }, () => 'no-opening'),
    ),
    with_('empty', [], 'no-opening'),
    with_(
      'an opening that another gateway signed',
      [partOf(1, statement('opening', openingOf(), other))],
      'forged-opening',
    ),
    with_('an opening signed as a closing', [partOf(1, statement('closing', openingOf()))], 'forged-opening'),
    with_(
      'an opening of another version',
      [partOf(1, statement('opening', openingOf({ version: 2 })))],
      'forged-opening',
    ),
    with_(
      'an opening without a track',
      [partOf(1, statement('opening', openingOf({ policy: {} })))],
      'forged-opening',
    ),
    {
      ...base,
      name: 'another gateway than the vault knows',
      gatewayKey: hex(other.publicKey),
      faults: ['wrong-gateway'],
    },
    { ...base, name: 'cut inside a part', file: base.file.slice(0, -2), faults: ['truncated', 'not-closed'] },
    bad('another kind of file', utf8('sallyport export 1\n'), 'unsupported-version'),
    bad('another version of file', utf8('sallyport recording 2\n'), 'unsupported-version'),
    bad('a part that is not known', concat(magic, partOf(4, none)), 'malformed'),
    bad('a part that is no message', concat(magic, partOf(2, Uint8Array.of(0xff))), 'malformed'),
    bad('a part without end', concat(magic, Uint8Array.of(2, 255, 255, 255, 255)), 'too-large'),
  ];
}
