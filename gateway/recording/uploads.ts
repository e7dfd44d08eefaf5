import { setTimeout as sleep } from 'node:timers/promises';
import { free } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  RecordingChunkSchema,
  RecordingUploadService,
  type StartRecordingResponse,
} from '../../protocol/messages/gen/recording_pb.js';
import { closeRecording, type RecordingState } from '../../protocol/recording/writer.ts';
import { chainAfter, chainOfOpening } from '../../protocol/signed/recording.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { BackOff } from '../router/back-off.ts';
import type { ServerCalls } from '../router/server-calls.ts';
import type { SessionRecorder } from './session-recorder.ts';
import type { Spool, SpooledRecording } from './spool.ts';
import { isAway, isFinal, isNoRoom } from './upload-errors.ts';

const { startRecording, putRecordingChunk, finishRecording } = RecordingUploadService.method;

/** So often in a row: two ends may misunderstand each other in passing. */
const finalTries = 5;

/** A recording that was not taken is left alone for a while. */
interface Retry {
  readonly backOff: BackOff;
  readonly notBefore: number;
  /** How often the server said no for good. */
  readonly refusals: number;
  /** The server has no room for it. */
  readonly noRoom: boolean;
}

/** What the server has of a recording. */
type Standing = Pick<StartRecordingResponse, 'chunkCount' | 'finished'>;

/** What lies in the spool, for who looks after the gateway. */
export interface SpoolState {
  readonly waiting: number;
  /** For good: it stays, sealed, until somebody takes it away. */
  readonly refused: number;
  readonly bytes: number;
  /** The server has no room for them. */
  readonly noRoom: boolean;
}

export interface UploadsOptions {
  readonly spool: Spool;
  readonly calls: Pick<ServerCalls, 'call'>;
  readonly device: Signer;
  /** What is being recorded right now, until none of it is on its way to the disk: nobody else closes those. */
  readonly running: ReadonlyMap<Uid, Pick<SessionRecorder, 'giveUp'>>;
  /** What ended before its session, as far as this run knows; until it is closed. */
  readonly failed: Pick<Set<Uid>, 'has' | 'delete'>;
  /** The server has no room for what lies here, or has some again. */
  readonly onRoom: (full: boolean) => void;
  readonly log: Logger;
}

/** Brings what lies in the spool to the server, for as long as it takes, while it is still being recorded. */
export class RecordingUploads {
  readonly #options: UploadsOptions;
  readonly #stop = new AbortController();
  readonly #backOff = new BackOff();
  #retries = new Map<Uid, Retry>();
  /** Of what goes on: as the server said, and has since then. It is asked again when anything goes wrong. */
  readonly #standing = new Map<Uid, Standing>();
  #full = false;
  /** Not offered again in this run. */
  readonly #refused = new Set<Uid>();
  #news = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  run(): void {
    this.#running = this.#loop();
  }

  /** Something new is in the spool. */
  wake(): void {
    this.#news.resolve();
  }

  /** What is not stored by then stays in the spool. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  /** As it lies there now. */
  async state(): Promise<SpoolState> {
    const { spool } = this.#options;
    const all = await spool.list();
    const refused = all.filter((one) => one.refused).length;
    return { waiting: all.length - refused, refused, bytes: spool.usedBytes, noRoom: this.#full };
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      const there = await this.#pass().catch((error: unknown) => this.#explain(null, error));
      if (signal.aborted) return;
      if (there) {
        this.#backOff.reset();
        await this.#newsOrRetry();
      } else await sleep(this.#backOff.nextMs(), undefined, { signal }).catch(() => {}); // aborted: it ends
    }
  }

  /** The server has no room for something that waits here. */
  get serverFull(): boolean {
    return this.#full;
  }

  #tellRoom(): void {
    const full = [...this.#retries.values()].some((retry) => retry.noRoom);
    if (full === this.#full) return;
    this.#full = full;
    const { log, onRoom } = this.#options;
    if (full) log.error('the server has no room for recordings; they wait here, sealed');
    else log.info('the server has room for recordings again');
    onRoom(full);
  }

  /** Every recording once, but for those that are to wait. Whether the server was there. */
  async #pass(): Promise<boolean> {
    const all = await this.#options.spool.list();
    const known = all.map((one) => [one.sessionUid, this.#retries.get(one.sessionUid), one.refused] as const);
    this.#retries = new Map(known.flatMap(([uid, retry]) => (retry ? [[uid, retry]] : [])));
    this.#tellRoom(); // what was not taken may be here no more
    for (const [sessionUid, retry, refusedBefore] of known) {
      if (this.#stop.signal.aborted) return false;
      if (this.#refused.has(sessionUid) || (retry && retry.notBefore > performance.now())) continue;
      try {
        await this.#closeLeft(sessionUid);
        await this.#bring(sessionUid);
        this.#retries.delete(sessionUid);
        this.#tellRoom();
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        this.#explain(sessionUid, error);
        if (isAway(error)) return false;
        // What a former run gave up is offered once by each run: the server may have changed its mind.
        const before = retry?.refusals ?? (refusedBefore ? finalTries - 1 : 0);
        const refusals = isFinal(error) ? before + 1 : 0;
        if (refusals >= finalTries) await this.#setAside(sessionUid, error);
        const backOff = retry?.backOff ?? new BackOff();
        this.#retries.set(sessionUid, {
          backOff,
          notBefore: performance.now() + backOff.nextMs(),
          refusals,
          noRoom: isNoRoom(error),
        });
        this.#tellRoom();
      }
    }
    return true;
  }

  /** Stays as it is, and is not offered again. What is still being recorded fails: nobody would ever see it. */
  async #setAside(sessionUid: Uid, error: unknown): Promise<void> {
    const { spool, log, running } = this.#options;
    const { code, message: reason } = toProtocolError(error) ?? new ProtocolError('internal');
    this.#refused.add(sessionUid);
    running.get(sessionUid)?.giveUp(new ProtocolError(code, 'the server refuses the recording'));
    await spool
      .writeRefusal(sessionUid, code)
      .catch((failure: unknown) => this.#explain(sessionUid, failure));
    const file = spool.folderOf(sessionUid);
    log.error('recording refused by the server for good; it stays sealed', {
      ...{ recording: sessionUid, code, reason, file },
    });
  }

  async #newsOrRetry(): Promise<void> {
    const left = [...this.#retries].filter(([sessionUid]) => !this.#refused.has(sessionUid));
    const next = Math.min(...left.map(([, { notBefore }]) => notBefore));
    if (next === Infinity) return await this.#news.promise;
    const waiting = new AbortController();
    const retry = sleep(Math.max(1, next - performance.now()), undefined, { signal: waiting.signal });
    await Promise.race([this.#news.promise, retry]).finally(() => waiting.abort());
  }

  /**
   * Of a former run, or of a recorder that failed: nobody will write to it any more, and it says so. By what lies there
   * now: it may have been closed since it was listed.
   */
  async #closeLeft(sessionUid: Uid): Promise<void> {
    const { running, failed, spool, device, log } = this.#options;
    if (running.has(sessionUid)) return;
    const recording = await spool.find(sessionUid);
    if (recording !== null && !recording.closed) {
      const reason = failed.has(sessionUid) ? 'recording-failed' : 'interrupted';
      const closing = await closeRecording(device, await this.#stateOf(recording), reason, Date.now());
      await spool.writeClosing(sessionUid, closing);
      log.warn('recording closed before its end', { recording: sessionUid, code: reason });
    }
    failed.delete(sessionUid);
  }

  /** By the newest chunk, which stays until the closing is stored. */
  async #stateOf({ sessionUid, opening, chunks }: SpooledRecording): Promise<RecordingState> {
    const newest = chunks.at(-1);
    const session = uidBytes(sessionUid);
    if (newest === undefined)
      return {
        sessionUid: session,
        count: 0,
        chain: chainOfOpening(opening),
        lengthMs: 0,
        textChunks: null,
      };
    const bytes = await this.#options.spool.readChunk(sessionUid, newest);
    const chunk = decodeMessage(RecordingChunkSchema, bytes);
    const { endMs: lengthMs } = chunk;
    return { sessionUid: session, count: newest + 1, chain: chainAfter(chunk), lengthMs, textChunks: null };
  }

  async #bring(sessionUid: Uid): Promise<void> {
    const known = this.#standing.get(sessionUid) ?? null;
    this.#standing.delete(sessionUid);
    try {
      const begun = known ?? (await this.#start(sessionUid));
      if (begun !== null) await this.#bringFrom(sessionUid, begun);
    } catch (error) {
      if (toProtocolError(error)?.code !== 'not-found') throw error;
      await this.#removed(sessionUid);
    }
  }

  async #bringFrom(sessionUid: Uid, begun: Standing): Promise<void> {
    const { spool, calls } = this.#options;
    const { signal } = this.#stop;
    let next = begun.chunkCount;
    for (;;) {
      const now = await spool.find(sessionUid);
      if (now === null || signal.aborted) return;
      if (now.closed && begun.finished) return await this.#stored(sessionUid, next);
      for (const index of now.chunks.filter((chunk) => chunk >= next)) {
        const bytes = await spool.readChunk(sessionUid, index);
        await calls.call(putRecordingChunk, { chunk: decodeMessage(RecordingChunkSchema, bytes) }, signal);
        free(bytes);
        next = index + 1;
      }
      for (const index of now.chunks.slice(0, -1))
        if (index < next) await spool.removeChunk(sessionUid, index);
      if (!now.closed) return void this.#standing.set(sessionUid, { chunkCount: next, finished: false });
      if ((now.chunks.at(-1) ?? -1) >= next) continue;
      const closing = await spool.readClosing(sessionUid);
      await calls.call(finishRecording, { sessionUid: uidBytes(sessionUid), closing }, signal);
      return await this.#stored(sessionUid, next);
    }
  }

  /**
   * What the server has of it. Null: it is not there any more; or there is nothing of it yet, and may never be. Throws
   * `not-found` when the server removed it.
   */
  async #start(sessionUid: Uid): Promise<Standing | null> {
    const { spool, calls } = this.#options;
    const recording = await spool.find(sessionUid);
    if (recording === null || this.#isEmpty(recording)) return null;
    return await calls.call(startRecording, { opening: recording.opening }, this.#stop.signal);
  }

  /** Its session may yet end without anything to see: then it is no recording. */
  #isEmpty({ sessionUid, chunks, closed }: SpooledRecording): boolean {
    return this.#options.running.has(sessionUid) && chunks.length === 0 && !closed;
  }

  /** Its owner deleted it, or it expired. What is still being recorded fails first: then it is nobody's any more. */
  async #removed(sessionUid: Uid): Promise<void> {
    const { running, spool, log } = this.#options;
    const recorder = running.get(sessionUid);
    if (recorder) return recorder.giveUp(new ProtocolError('not-found', 'the recording was removed'));
    await spool.removeRecording(sessionUid);
    log.warn('recording dropped: the server has removed it', { recording: sessionUid });
  }

  async #stored(sessionUid: Uid, count: number): Promise<void> {
    await this.#options.spool.removeRecording(sessionUid);
    this.#options.log.info('recording stored', { recording: sessionUid, count });
  }

  #explain(recording: Uid | null, error: unknown): false {
    const { log } = this.#options;
    const about = recording === null ? {} : { recording };
    const known = toProtocolError(error);
    if (known) log.warn('recording not stored yet', { ...about, code: known.code, reason: known.message });
    else log.error('recording not stored yet', { ...about, err: error });
    return false;
  }
}
