import type {
  IndexHits,
  OpenedRecording,
  RecordingKeepingView,
  RecordingList,
  RecordingPlace,
} from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  RecordingService,
  RecordingTrack,
  type RecordingChunk,
  type RecordingClosing,
  type StoredRecording,
} from '../../../protocol/messages/gen/recording_pb.js';
import { chainOfOpening } from '../../../protocol/signed/recording.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { History } from '../records/history.ts';
import { ChunkJudge } from './chunk-judge.ts';
import type { KeepingDesk } from './keeping-desk.ts';
import { OpenRecording } from './open-recording.ts';
import { recordingKeysOf } from './recording-keys.ts';
import { RecordingMarkers, type MarkerParts } from './recording-markers.ts';
import { RecordingViews, type ViewParts } from './recording-views.ts';
import { SealedTexts } from './sealed-texts.ts';
import { listChunks } from './stored-chunks.ts';
import { searchText } from './text-search.ts';

export interface RecordingsParts extends ViewParts, MarkerParts {
  readonly keeping: KeepingDesk;
  readonly history: History;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
}

/** Beside the recording what auditors noted in it, and what ends its fetches. */
interface Opened {
  readonly recording: OpenRecording;
  readonly markers: RecordingMarkers;
  readonly closing: AbortController;
}

const pictureTracks = { guacd: RecordingTrack.GRAPHICAL, text: RecordingTrack.TEXT } as const;
/** Each holds a key and up to 48 MiB of sealed chunks. */
const mostOpen = 4;

/** The recordings that an unlocked vault may look at. protocol.md §25, §26. */
export class Recordings {
  readonly #parts: RecordingsParts;
  readonly #views: RecordingViews;
  readonly #texts: SealedTexts;
  readonly #open = new Map<Uid, Opened>();

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
    this.#views = new RecordingViews(parts);
    this.#texts = new SealedTexts(parts);
  }

  async list(recordUid: Uid | null, before: RecordingPlace | null): Promise<RecordingList> {
    const none = new Uint8Array(0);
    const answer = await this.#parts.session.call(RecordingService.method.listRecordings, {
      recordUid: recordUid === null ? none : uidBytes(recordUid),
      beforeMs: BigInt(before?.storedAt ?? 0),
      beforeSessionUid: before === null ? none : uidBytes(before.sessionUid),
    });
    const { recordings, more, usedSize, quota, retentionDays, goingSoon } = answer;
    const keeping = this.#parts.keeping.take(answer.keeping);
    const summaries = await Promise.all(recordings.map((stored) => this.#views.summarise(stored)));
    return {
      // Of one record: the server may say which it wants, the gateway's word counts.
      recordings: summaries.filter(({ said }) => recordUid === null || said?.recordUid === recordUid),
      ...{ more, usedSize: Number(usedSize), quota: Number(quota), retentionDays, goingSoon, keeping },
    };
  }

  async open(sessionUid: Uid): Promise<OpenedRecording> {
    const { session, clock, signal } = this.#parts;
    const closing = new AbortController();
    const chunks = { session, clock, signal: AbortSignal.any([signal, closing.signal]) };
    const { stored, headers } = await listChunks(chunks, sessionUid);
    const { said, keys } = await this.#read(sessionUid, stored);
    const { content: key } = keys;
    const count = countOf(headers, said.closing);
    const lengthMs = said.closing?.lengthMs ?? latest(headers);
    const { opening, pinnedKey, facts } = said;
    const drawnFrom = facts.graphical ? 'guacd' : facts.text ? 'text' : null;
    const pictureTrack = drawnFrom && pictureTracks[drawnFrom];
    this.close(sessionUid);
    const { emailOf } = this.#parts;
    const about = { stored, opening, pinnedKey, key, pictureTrack, emailOf };
    const recording = new OpenRecording({ ...about, chunks, count, lengthMs });
    const markers = new RecordingMarkers(this.#parts, sessionUid, keys.markers);
    this.#open.set(sessionUid, { recording, markers, closing });
    const [oldest] = this.#open.keys();
    if (this.#open.size > mostOpen && oldest) this.close(oldest);
    const summary = this.#views.summaryOf(stored, facts, said.closing);
    return { summary, facts, lengthMs, drawnFrom, ...columnsOf(headers, count, pictureTrack) };
  }

  /** Lines with that text, without opening all of it. */
  async searchText(sessionUid: Uid, query: string): Promise<IndexHits> {
    const text = await this.#texts.get(sessionUid, RecordingTrack.TEXT);
    const { said, keys } = await this.#read(sessionUid, text.stored);
    const { closing } = said;
    // Former gateways counted the chunks of an index, and not those of the text.
    const track = closing?.indexChunks === undefined ? RecordingTrack.TEXT : RecordingTrack.INDEX;
    const { headers, chunks } =
      track === RecordingTrack.TEXT ? text : await this.#texts.get(sessionUid, track);
    const judge = new ChunkJudge(said.opening, chainOfOpening(text.stored.opening));
    const found = await searchText({ track, headers, chunks, judge, keys, closing }, query);
    this.#texts.trim();
    return said.facts.state === 'forged' ? { ...found, index: 'damaged' } : found;
  }

  /** What the server has of one, as its gateway signed it, and its keys. */
  async #read(sessionUid: Uid, stored: StoredRecording) {
    if (uidOf(stored.sessionUid) !== sessionUid) throw new ProtocolError('bad-signature');
    const said = await this.#views.read(stored);
    const keys = await recordingKeysOf(this.#parts.history, said.opening);
    return { said, keys };
  }

  get keeping(): KeepingDesk {
    return this.#parts.keeping;
  }

  /** What is held anywhere in the organisation, by what gateways signed of it. */
  async readKeeping(previewDays: number): Promise<RecordingKeepingView> {
    return await this.#parts.keeping.read(previewDays, (opening) => this.#views.titleOf(opening));
  }

  /** Throws `not-found` for one that is not open. */
  get(sessionUid: Uid): OpenRecording {
    return this.#opened(sessionUid).recording;
  }

  /** Throws `not-found` for one that is not open. */
  markers(sessionUid: Uid): RecordingMarkers {
    return this.#opened(sessionUid).markers;
  }

  #opened(sessionUid: Uid): Opened {
    const open = this.#open.get(sessionUid);
    if (!open) throw new ProtocolError('not-found', 'the recording is not open');
    return open;
  }

  close(sessionUid: Uid): void {
    const open = this.#open.get(sessionUid);
    if (!open) return;
    this.#open.delete(sessionUid);
    open.closing.abort();
    open.recording.close();
  }

  async remove(sessionUid: Uid): Promise<void> {
    await this.#parts.session.call(RecordingService.method.deleteRecording, {
      sessionUid: uidBytes(sessionUid),
    });
    this.close(sessionUid);
    this.#texts.forget(sessionUid);
  }

  async auditors(recordUid: Uid): Promise<Uid[]> {
    const request = { recordUid: uidBytes(recordUid) };
    const answer = await this.#parts.session.call(RecordingService.method.listRecordingAuditors, request);
    return answer.accountUids.map(uidOf);
  }

  async setAuditors(recordUid: Uid, accountUids: readonly Uid[]): Promise<void> {
    await this.#parts.session.call(RecordingService.method.setRecordingAuditors, {
      recordUid: uidBytes(recordUid),
      accountUids: accountUids.map(uidBytes),
    });
  }

  /** Lets go of every key. */
  clear(): void {
    for (const sessionUid of [...this.#open.keys()]) this.close(sessionUid);
    this.#texts.clear();
  }
}

/** All that the closing counts, and all that the server lists beside. */
function countOf(headers: readonly RecordingChunk[], closing: RecordingClosing | null): number {
  const listed = headers.reduce((most, { index }) => Math.max(most, index + 1), 0);
  return Math.min(limits.recording.chunks, Math.max(listed, closing?.chunkCount ?? 0));
}

function latest(headers: readonly RecordingChunk[]): number {
  return headers.reduce((most, { endMs }) => Math.max(most, endMs), 0);
}

function columnsOf(headers: readonly RecordingChunk[], count: number, pictureTrack: RecordingTrack | null) {
  const startMs = new Uint32Array(count);
  const endMs = new Uint32Array(count);
  const pictures = new Uint8Array(count);
  for (const header of headers) {
    if (header.index >= count) continue;
    startMs[header.index] = header.startMs;
    endMs[header.index] = header.endMs;
    if (header.track === pictureTrack) pictures[header.index] = header.keyFrame ? 3 : 1;
  }
  return { startMs, endMs, pictures };
}
