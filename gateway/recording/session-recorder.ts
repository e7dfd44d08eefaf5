import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { concat, free, uint32, view, type Bytes } from '../../protocol/bytes.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  RecordingChunkSchema,
  RecordingTrack,
  type RecordingPolicy,
} from '../../protocol/messages/gen/recording_pb.js';
import { trackOf } from '../../protocol/recording/entries.ts';
import { encodeImageEntry } from '../../protocol/recording/image-entry.ts';
import type { EntryKind } from '../../protocol/recording/entry-kinds.ts';
import type { RecordingWriter } from '../../protocol/recording/writer.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { ShellTap } from '../ssh/join-shells.ts';
import type { PictureTap } from '../guacd/recorded-picture.ts';
import { ImageStreams, type PicturePiece } from './image-streams.ts';
import { KeyFrames } from './key-frames.ts';
import { packPicture, unpackedLength } from './pack-picture.ts';
import { PictureFilter } from './picture-filter.ts';
import type { Spool } from './spool.ts';
import { partsOf, Track } from './track.ts';
import { TypedKeys } from './typed-keys.ts';

const deflate = promisify(deflateRaw);
/** A gateway that goes down loses no more than this of a recording. */
const chunkMs = 5_000;
/** Entries on their way to the disk; a disk that is slower than the session for so long is a broken recorder. */
const mostWaiting = 32 * 1024 * 1024;
/** The first that looks a byte ahead. Of a terminal's text 6 makes a fiftieth less, in four times as long. */
const deflateLevel = 4;
/** What comes out at a time: of nearly every chunk all of it, for one turn of the event loop and one piece of memory. */
const deflatedBytes = 192 * 1024;

export interface SessionRecorderOptions {
  readonly writer: RecordingWriter;
  /** Whose session it is. */
  readonly accountUid: Uid;
  readonly spool: Spool;
  readonly policy: Pick<RecordingPolicy, 'graphical' | 'text' | 'keys' | 'clipboard'>;
  /** A chunk is on the disk. */
  readonly onStored: () => void;
  /** The recording ended before its session: nothing more is recorded. Once. */
  readonly onFailed: (error: unknown) => void;
}

/** Records one session: sees what flows before it is forwarded, and keeps it sealed on the disk. */
export class SessionRecorder {
  /** The recording's own (protocol.md §25.1). */
  readonly sessionUid: Uid;
  /** What the target's terminal wrote and was sent; null when neither text nor keys are recorded. */
  readonly shell: ShellTap | null;
  /** The picture on its way to the page; null when it is not recorded. */
  readonly picture: PictureTap | null;
  readonly #options: SessionRecorderOptions;
  readonly #startedAt = performance.now();
  /** Who typed last; nobody yet: whose session it is. */
  #typist: Uid;
  readonly #tracks = new Map<RecordingTrack, Track>();
  readonly #typed: TypedKeys | null;
  #timer: NodeJS.Timeout | null = null;
  #waiting = 0;
  #work: Promise<void> = Promise.resolve();
  #over = false;
  #failed = false;
  /** Nothing was shown or typed: not even a host key was known, or nobody could sign in. */
  #empty = true;

  constructor(options: SessionRecorderOptions) {
    const { writer, policy } = options;
    this.sessionUid = uidOf(writer.state.sessionUid);
    this.#options = options;
    this.#typist = options.accountUid;
    this.#typed = policy.keys ? new TypedKeys(({ kind, bytes }) => this.#add(kind, bytes)) : null;
    if (policy.graphical) this.#tracks.set(RecordingTrack.GRAPHICAL, new Track(true));
    if (policy.text) this.#tracks.set(RecordingTrack.TEXT, new Track(false));
    if (policy.keys) this.#tracks.set(RecordingTrack.KEYS, new Track(false));
    this.#tracks.set(RecordingTrack.PEOPLE, new Track(false));
    this.picture = policy.graphical ? this.#pictureTap(policy.clipboard) : null;
    this.shell = policy.text || policy.keys ? this.#shellTap(policy.text) : null;
  }

  /** Their keys, clicks and pastes reach the machine from now on: said where somebody else's did before. */
  typed(accountUid: Uid): void {
    if (accountUid === this.#typist) return;
    this.#typist = accountUid;
    this.#add('typist', uidBytes(accountUid));
  }

  /**
   * Ends the recording, with the code of its session's end. Settles when it is whole on the disk, or cannot be: then it
   * was said to have failed. Of a session of which there is nothing to see no recording is left.
   */
  async close(reason: string): Promise<void> {
    if (this.#over) return await this.#work;
    this.#typed?.flush();
    this.#over = true;
    this.#stopTimer();
    if (this.#empty) {
      this.#enqueue(0, () => this.#options.spool.removeRecording(this.sessionUid));
      return await this.#work;
    }
    const last = [...this.#tracks].filter(([, track]) => !track.empty);
    if (last.length === 0) last.push(...[...this.#tracks].slice(0, 1)); // all of it is in chunks already
    for (const [index, [kind, track]] of last.entries()) this.#flush(kind, track, index === last.length - 1);
    this.#enqueue(0, async () => {
      const { writer, spool } = this.#options;
      const closing = await writer.close(reason, Date.now(), this.#now);
      await spool.writeClosing(this.sessionUid, closing);
      this.#options.onStored();
    });
    await this.#work;
  }

  /** Nothing of it will be stored any more: it fails, unless it did. */
  giveUp(error: unknown): void {
    this.#fail(error);
  }

  /** Settles when nothing that was begun still comes to the disk. */
  get settled(): Promise<void> {
    return this.#work;
  }

  get #now(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  #shellTap(text: boolean): ShellTap {
    return {
      output: (bytes) => {
        if (text) this.#add('output', bytes);
        this.#typed?.output(bytes);
      },
      input: (bytes) => this.#typed?.input(bytes),
      resize: ({ columns, rows }) => {
        if (text) this.#add('resize', concat(uint32(columns).subarray(2), uint32(rows).subarray(2)));
      },
    };
  }

  #pictureTap(clipboard: boolean): PictureTap {
    let filter = new PictureFilter();
    let images = new ImageStreams();
    const keyFrames = new KeyFrames(this.#now);
    return {
      begins: () => {
        filter = new PictureFilter();
        images = new ImageStreams();
        keyFrames.startAnew(this.#now);
        this.#beginKeyFrame();
      },
      shows: (instructions) => {
        const kept = clipboard ? instructions : filter.filter(instructions);
        for (const { kind, instructions: drawn } of keyFrames.take(kept, this.#now)) {
          const ofScreen = kind === 'screen';
          if (ofScreen) this.#beginKeyFrame();
          for (const piece of (ofScreen ? new ImageStreams() : images).take(drawn)) this.#draw(kind, piece);
        }
      },
    };
  }

  /** What follows is a chunk of its own, from which the picture can be drawn. */
  #beginKeyFrame(): void {
    const track = this.#tracks.get(RecordingTrack.GRAPHICAL);
    if (track && !track.empty) this.#flush(RecordingTrack.GRAPHICAL, track, false);
    track?.startAnew();
  }

  #draw(kind: 'picture' | 'screen', piece: PicturePiece): void {
    if (piece.kind === 'instructions') return this.#add(kind, piece.bytes);
    const image = kind === 'screen' ? 'screenImage' : 'image';
    this.#addParts(image, [encodeImageEntry(piece)], unpackedLength(piece.file));
  }

  #add(kind: EntryKind, bytes: Uint8Array): void {
    this.#addParts(kind, partsOf(bytes));
  }

  #addParts(kind: EntryKind, parts: readonly Uint8Array[], unpacked = 0): void {
    const of = trackOf(kind);
    const track = this.#tracks.get(of);
    if (this.#over || !track) return;
    this.#empty = false;
    const atMs = this.#now;
    for (const part of parts) {
      if (this.#failed) return;
      if (!track.fits(part, unpacked)) this.#flush(of, track, false);
      track.add(atMs, kind, part, unpacked);
      if (track.full) this.#flush(of, track, false); // a screen may take several chunks
    }
    this.#timer ??= setTimeout(() => this.#flushAll(), chunkMs);
  }

  #flushAll(): void {
    this.#stopTimer();
    for (const [kind, track] of this.#tracks)
      if (track.empty) track.rest();
      else this.#flush(kind, track, false);
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(kind: RecordingTrack, track: Track, final: boolean): void {
    const taken = track.take(this.#now);
    this.#enqueue(taken.plaintext.length, async () => {
      const { plaintext, startMs, endMs, keyFrame } = taken;
      const ofPicture = kind === RecordingTrack.GRAPHICAL;
      const compressed = await (ofPicture ? packPicture(plaintext) : deflated(plaintext));
      track.giveBack(taken);
      await this.#store({ track: kind, final, startMs, endMs, keyFrame }, compressed);
    });
  }

  async #store(header: Parameters<RecordingWriter['add']>[0], compressed: Bytes): Promise<void> {
    const { writer, spool } = this.#options;
    const chunk = await writer.add(header, compressed);
    free(compressed);
    const encoded = encodeMessage(RecordingChunkSchema, chunk);
    free(chunk.sealed);
    await spool.writeChunk(this.sessionUid, chunk.index, encoded);
    free(encoded);
    this.#options.onStored();
  }

  /** One after another; after a failure nothing more. */
  #enqueue(bytes: number, task: () => Promise<void>): void {
    this.#waiting += bytes;
    if (this.#waiting > mostWaiting) return this.#fail(new Error('the disk is too slow for this session'));
    this.#work = this.#work.then(async () => {
      this.#waiting -= bytes;
      if (this.#failed) return;
      await task().catch((error: unknown) => this.#fail(error));
    });
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stopTimer();
    for (const track of this.#tracks.values()) track.take(0);
    this.#options.onFailed(error);
  }
}

async function deflated(entries: Bytes): Promise<Bytes> {
  return view(await deflate(entries, { level: deflateLevel, chunkSize: deflatedBytes }));
}
