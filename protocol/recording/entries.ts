import { ByteReader, concat, uint32, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { RecordingTrack } from '../messages/gen/recording_pb.js';
import { EntryBuffer } from './entry-buffer.ts';
import { entryKinds, entryOverhead, type EntryKind } from './entry-kinds.ts';

/** As many as there are in the largest chunk of empty ones, also where a chunk holds more bytes. */
const mostEntries = Math.floor(limits.recording.entries / entryOverhead);
/** Bytes of an account's UID. */
const uidLength = 16;

export interface RecordingEntry {
  /** Since the session's start. */
  readonly atMs: number;
  readonly kind: EntryKind;
  readonly bytes: Uint8Array;
}

const tracks: Readonly<Record<EntryKind, RecordingTrack>> = {
  picture: RecordingTrack.GRAPHICAL,
  screen: RecordingTrack.GRAPHICAL,
  output: RecordingTrack.TEXT,
  resize: RecordingTrack.TEXT,
  keys: RecordingTrack.KEYS,
  withheld: RecordingTrack.KEYS,
  line: RecordingTrack.INDEX,
  cut: RecordingTrack.INDEX,
  typist: RecordingTrack.PEOPLE,
  image: RecordingTrack.GRAPHICAL,
  screenImage: RecordingTrack.GRAPHICAL,
};
const lengths: Readonly<Partial<Record<EntryKind, number>>> = {
  ...{ resize: 4, withheld: 0, cut: 0 },
  typist: uidLength,
};
const kindNames = new Map<number, EntryKind>(
  Object.entries(entryKinds).map(([name, code]) => [code, name as EntryKind]),
);

/** The track on which entries of that kind are. */
export function trackOf(kind: EntryKind): RecordingTrack {
  return tracks[kind];
}

/** One after another. protocol.md §25.5. */
export function encodeEntries(entries: readonly RecordingEntry[]): Bytes {
  const buffer = new EntryBuffer();
  for (const { atMs, kind, bytes } of entries) buffer.add(atMs, kind, bytes);
  return buffer.take();
}

/** What is before an entry's content of that length: at(4) ‖ kind(1) ‖ length(4). */
export function encodeEntryHead(atMs: number, kind: EntryKind, length: number): Bytes {
  return concat(uint32(atMs), Uint8Array.of(entryKinds[kind]), uint32(length));
}

/**
 * Inverse of {@link encodeEntries}. Throws `malformed` for kinds of another track, times that fall, contents of a wrong
 * length, and what is cut; `too-large` over `most` bytes, or very many entries.
 */
export function decodeEntries(
  track: RecordingTrack,
  bytes: Uint8Array,
  most: number = limits.recording.entries,
): RecordingEntry[] {
  if (bytes.length > most) throw new ProtocolError('too-large');
  const reader = new ByteReader(bytes);
  const entries: RecordingEntry[] = [];
  let last = 0;
  while (reader.remaining > 0) {
    const entry = decodeEntry(track, reader);
    if (entry.atMs < last) throw new ProtocolError('malformed', 'time goes backwards');
    last = entry.atMs;
    entries.push(entry);
    if (entries.length > mostEntries) throw new ProtocolError('too-large');
  }
  return entries;
}

function decodeEntry(track: RecordingTrack, reader: ByteReader): RecordingEntry {
  const atMs = reader.uint32();
  const kind = kindNames.get(reader.byte());
  if (kind === undefined || tracks[kind] !== track)
    throw new ProtocolError('malformed', 'not an entry of this track');
  const bytes = reader.take(reader.uint32());
  if (lengths[kind] !== undefined && bytes.length !== lengths[kind])
    throw new ProtocolError('malformed', 'an entry of a wrong length');
  return { atMs, kind, bytes };
}
