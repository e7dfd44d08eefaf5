import { setTimeout as sleep } from 'node:timers/promises';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { toProtocolError, type ErrorCode } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { RecordingChunkSchema, RecordingUploadService } from '../../protocol/messages/gen/recording_pb.js';
import { closeRecording, type RecordingState } from '../../protocol/recording/writer.ts';
import { chainAfter, chainOfOpening } from '../../protocol/signed/recording.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { BackOff } from '../router/back-off.ts';
import type { ServerCalls } from '../router/server-calls.ts';
import type { Spool, SpooledRecording } from './spool.ts';

const { startRecording, putRecordingChunk, finishRecording } = RecordingUploadService.method;

/** The server is not there, or not now: nothing else can be stored either. */
const away: readonly ErrorCode[] = ['offline', 'unavailable', 'timed-out', 'too-many-requests', 'internal'];

export interface UploadsOptions {
  readonly spool: Spool;
  readonly calls: ServerCalls;
  readonly device: Signer;
  /** Sessions that are being recorded right now: nobody else closes those. */
  readonly running: { has(sessionUid: Uid): boolean };
  /** Why a recording ended before its session, as far as this run knows. */
  readonly failed: { has(sessionUid: Uid): boolean };
  readonly log: Logger;
}

/** Brings what lies in the spool to the server, for as long as it takes, while it is still being recorded. */
export class RecordingUploads {
  readonly #options: UploadsOptions;
  readonly #stop = new AbortController();
  readonly #backOff = new BackOff();
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

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      const all = await this.#pass().catch((error: unknown) => this.#explain(null, error));
      if (signal.aborted) return;
      if (all) {
        this.#backOff.reset();
        await this.#news.promise;
      } else await sleep(this.#backOff.nextMs(), undefined, { signal }).catch(() => {}); // aborted: it ends
    }
  }

  /** Every recording once. Whether all that is there was stored. */
  async #pass(): Promise<boolean> {
    let all = true;
    for (const recording of await this.#options.spool.list()) {
      try {
        await this.#closeLeft(recording);
        await this.#bring(recording);
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        all = this.#explain(recording.sessionUid, error);
        if (isAway(error)) return false;
      }
    }
    return all;
  }

  /** Of a former run, or of a recorder that failed: nobody will write to it any more, and it says so. */
  async #closeLeft(recording: SpooledRecording): Promise<void> {
    const { running, failed, spool, device, log } = this.#options;
    const { sessionUid } = recording;
    if (recording.closed || running.has(sessionUid)) return;
    const reason = failed.has(sessionUid) ? 'recording-failed' : 'interrupted';
    const closing = await closeRecording(device, await this.#stateOf(recording), reason, Date.now());
    await spool.writeClosing(sessionUid, closing);
    log.warn('recording closed before its end', { session: sessionUid, code: reason });
  }

  /** By the newest chunk, which stays until the closing is stored. */
  async #stateOf({ sessionUid, opening, chunks }: SpooledRecording): Promise<RecordingState> {
    const newest = chunks.at(-1);
    const session = uidBytes(sessionUid);
    if (newest === undefined)
      return { sessionUid: session, count: 0, chain: chainOfOpening(opening), lengthMs: 0 };
    const bytes = await this.#options.spool.readChunk(sessionUid, newest);
    const chunk = decodeMessage(RecordingChunkSchema, bytes);
    return { sessionUid: session, count: newest + 1, chain: chainAfter(chunk), lengthMs: chunk.endMs };
  }

  async #bring({ sessionUid, opening }: SpooledRecording): Promise<void> {
    const { spool, calls, log } = this.#options;
    const { signal } = this.#stop;
    let next = (await calls.call(startRecording, { opening }, signal)).chunkCount;
    for (;;) {
      const now = (await spool.list()).find((recording) => recording.sessionUid === sessionUid);
      if (now === undefined || signal.aborted) return;
      for (const index of now.chunks.filter((chunk) => chunk >= next)) {
        const bytes = await spool.readChunk(sessionUid, index);
        await calls.call(putRecordingChunk, { chunk: decodeMessage(RecordingChunkSchema, bytes) }, signal);
        next = index + 1;
      }
      for (const index of now.chunks.slice(0, -1))
        if (index < next) await spool.removeChunk(sessionUid, index);
      if (!now.closed) return;
      if ((now.chunks.at(-1) ?? -1) >= next) continue;
      const closing = await spool.readClosing(sessionUid);
      await calls.call(finishRecording, { sessionUid: uidBytes(sessionUid), closing }, signal);
      await spool.removeRecording(sessionUid);
      return log.info('recording stored', { session: sessionUid, chunks: next });
    }
  }

  #explain(session: Uid | null, error: unknown): false {
    const { log } = this.#options;
    const about = session === null ? {} : { session };
    const known = toProtocolError(error);
    if (known) log.warn('recording not stored yet', { ...about, code: known.code, reason: known.message });
    else log.error('recording not stored yet', { ...about, err: error });
    return false;
  }
}

function isAway(error: unknown): boolean {
  const known = toProtocolError(error);
  return known !== null && away.includes(known.code);
}
