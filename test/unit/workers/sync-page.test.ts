import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { concat, utf8 } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import {
  CardSchema,
  CoverageSchema,
  FeedKind,
  RecordSchema,
  SyncPageSchema,
  SyncResponseSchema,
  type SyncResponse,
} from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { readPage, wellNamed } from '../../../workers/engine/sync/sync-page.ts';

const uid = () => uidBytes(newUid());
const short = new Uint8Array(15);

/** A page as it came. */
const read = (bytes: Uint8Array) => readPage(decodeMessage(SyncPageSchema, bytes));
const asCame = (page: SyncResponse) => read(toBinary(SyncResponseSchema, page));

test('objects without a sound name are left out of a page, with a warning, and nothing else is', () => {
  const [recordUid, ownerUid, writerUid, objectUid] = [uid(), uid(), uid(), uid()];
  const record = { recordUid, ownerUid, writerUid };
  const folder = { folderUid: objectUid, ownerUid, writerUid };
  const page = create(SyncResponseSchema, {
    records: [record, { ...record, recordUid: short }, { ...record, writerUid: short }],
    cards: [{ objectUid }, { objectUid: short }],
    folders: [folder, { ...folder, ownerUid: short }],
    grants: [{ objectUid: short }, { objectUid }],
    removals: [
      { kind: FeedKind.ENTRY, objectUid, recordUid: short },
      { kind: FeedKind.RECORD, objectUid, recordUid: new Uint8Array(0) },
    ],
    cursor: 7n,
  });
  const warnings: string[] = [];
  const sound = wellNamed(asCame(page), (message) => void warnings.push(message));
  expect(sound).toMatchObject({
    ...{ records: [{ message: record }], cards: [{ message: { objectUid } }] },
    ...{ folders: [folder], grants: [{ objectUid }] },
    ...{ removals: [{ kind: FeedKind.RECORD }], cursor: 7n },
  });
  expect(
    [sound.records, sound.cards, sound.folders, sound.grants, sound.removals].map((l) => l.length),
  ).toEqual([1, 1, 1, 1, 1]);
  expect(warnings).toHaveLength(5);
});

test('a page as a device reads it is the answer of the service: the same fields, of the same form', () => {
  const formOf = ({ fields }: typeof SyncPageSchema | typeof SyncResponseSchema) =>
    fields.map(({ number, name, fieldKind }) => [number, name, fieldKind]);
  expect(formOf(SyncPageSchema)).toEqual(formOf(SyncResponseSchema));
  const isOther = SyncPageSchema.fields.filter((field, i) => {
    const given = SyncResponseSchema.fields[i];
    return given?.scalar !== field.scalar || given?.message !== field.message;
  });
  expect(isOther.map(({ name }) => name)).toEqual(['records', 'cards']);
});

/** One field of a message on the wire, its length in a varint of so many bytes. */
function field(number: number, value: Uint8Array, lengthBytes = 2): Uint8Array {
  const length = Array.from({ length: lengthBytes }, (_, i) => {
    const more = i < lengthBytes - 1 ? 0x80 : 0;
    return (i < 5 ? (value.length >>> (7 * i)) & 0x7f : 0) | more;
  });
  return concat(Uint8Array.of((number << 3) | 2), Uint8Array.from(length), value);
}

const recordUid = uid();
const record = toBinary(
  RecordSchema,
  create(RecordSchema, {
    ...{ recordUid, ownerUid: uid(), writerUid: uid(), revision: 7n, keyVersion: 1, deleted: true },
    ...{ sealedData: new Uint8Array(300).fill(5), fileUids: [uid()] },
    covered: { revision: 3n, tag: new Uint8Array(16), keyVersion: 1 },
  }),
);
const covered = (revision: bigint) => toBinary(CoverageSchema, create(CoverageSchema, { revision }));

const hostile: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['a field twice', concat(record, field(1, uid()))],
  ['a number twice', concat(record, Uint8Array.of(3 << 3, 99))],
  ['a message in two parts', concat(record, field(13, covered(9n)))],
  ['a list in two places', concat(record, field(14, uid()))],
  ['a field that nobody knows', concat(record, field(15, utf8('a hash')), Uint8Array.of(0xa2, 0x06, 1, 7))],
  ['an unknown number', concat(record, Uint8Array.of(0xc0, 0x3e, 1))],
  ['a length in more bytes than it takes', concat(field(1, uid(), 9), record)],
  ['a number in more bytes than it takes', concat(record, Uint8Array.of(3 << 3, 0x81, 0x80, 0x80, 0x80, 0))],
  ['a number over 64 bits', concat(record, Uint8Array.of(3 << 3, ...new Array<number>(9).fill(0xff), 0x7f))],
  ['another type for a field', concat(record, Uint8Array.of((1 << 3) | 0, 1))],
  ['a number as a text', concat(record, field(3, utf8('text')))],
  ['a group', concat(record, Uint8Array.of((15 << 3) | 3, (15 << 3) | 4))],
  ['a field that ends after it', concat(record, Uint8Array.of((1 << 3) | 2, 40))],
  ['a tag alone', concat(record, Uint8Array.of((1 << 3) | 2))],
  ['half of it', record.slice(0, record.length / 2)],
];

test.each(hostile)('with %s, what is stored is what was judged, or the page is refused', (_, bytes) => {
  const page = concat(field(1, record), field(1, bytes), field(1, record), field(4, field(1, uid())));
  let given;
  try {
    given = read(page);
  } catch (error) {
    expect(error).toMatchObject({ name: 'malformed' });
    return;
  }
  expect(given.records.map((one) => [...one.bytes])).toEqual([[...record], [...bytes], [...record]]);
  for (const one of given.records) expect(decodeMessage(RecordSchema, one.bytes)).toEqual(one.message);
  for (const one of given.cards) expect(decodeMessage(CardSchema, one.bytes)).toEqual(one.message);
  expect(given.records.map(({ message }) => message)).toEqual(fromBinary(SyncResponseSchema, page).records);
});

test('of damaged pages too, what is stored is what was judged, which is what the service would have meant', () => {
  const cards = field(4, field(1, uid()));
  const page = concat(field(1, record), cards, field(1, record), cards);
  let taken = 0;
  for (let at = 0; at < page.length; at++) {
    for (const bit of [1, 8, 128]) {
      const damaged = page.map((byte, i) => (i === at ? byte ^ bit : byte));
      try {
        const { records, cards } = read(damaged);
        const whole = fromBinary(SyncResponseSchema, damaged);
        expect(records.map(({ message }) => message)).toEqual(whole.records);
        expect(cards.map(({ message }) => message)).toEqual(whole.cards);
        for (const { message, bytes } of records) expect(decodeMessage(RecordSchema, bytes)).toEqual(message);
        taken++;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  }
  expect(taken).toBeGreaterThan(100);
});
