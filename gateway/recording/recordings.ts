import { wipe } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import type { RecordingSettings } from '../../protocol/records/pam-settings.ts';
import {
  importRecordingKeys,
  wrapRecordingKey,
  type RecordingScope,
} from '../../protocol/recording/recording-key.ts';
import { RecordingWriter } from '../../protocol/recording/writer.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { ServerCalls } from '../router/server-calls.ts';
import { SessionRecorder } from './session-recorder.ts';
import { Spool } from './spool.ts';
import { RecordingUploads, type SpoolState } from './uploads.ts';

export interface RecordingsOptions {
  readonly device: Signer;
  readonly applicationUid: Uid;
  readonly calls: Pick<ServerCalls, 'call'>;
  /** Where sealed chunks wait for the server, and how much may; null: this gateway records nothing. */
  readonly spool: { readonly folder: string; readonly mostBytes: number } | null;
  readonly log: Logger;
}

/** Of so many recordings that failed it is known why, when they are closed. */
const mostFailed = 1_000;

/** What a recording is of. */
export interface RecordingOrder {
  /** Its session UID is the client's choice, which may come again: the recording has one of its own. */
  readonly scope: RecordingScope;
  readonly accountUid: Uid;
  readonly ownerUid: Uid;
  readonly keyVersion: number;
  readonly protocol: string;
  readonly settings: RecordingSettings;
  readonly resourceKey: SymmetricKey;
}

/** The recordings of this gateway: begins them, and sees that each comes to the server. */
export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #running = new Map<Uid, SessionRecorder>();
  readonly #failed = new Set<Uid>();
  readonly #watchers = new Set<(full: boolean) => void>();
  #serverFull = false;
  readonly #opened: Promise<{ readonly spool: Spool; readonly uploads: RecordingUploads } | null>;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.#opened = this.#open();
    this.#opened.catch(() => {}); // said when a session asks for it
  }

  /**
   * A recorder whose opening is durable: from then on nothing of the session may be forwarded past it. Throws when it
   * cannot be. `onFailed`: it gave up before the session's end.
   */
  async begin(order: RecordingOrder, onFailed: () => void): Promise<SessionRecorder> {
    const opened = await this.#opened;
    if (opened === null) throw new Error('this gateway has no place for recordings');
    const { spool, uploads } = opened;
    const recordingUid = newUid();
    const about = { session: order.scope.sessionUid, recording: recordingUid };
    const writer = await this.#begin(order, recordingUid);
    const recorder: SessionRecorder = new SessionRecorder({
      ...{ writer, accountUid: order.accountUid, spool, policy: order.settings },
      onStored: () => uploads.wake(),
      onFailed: (error) => {
        this.#options.log.error('recording failed', { ...about, err: error });
        onFailed();
        void this.#failedFor(recorder, uploads);
      },
    });
    this.#running.set(recordingUid, recorder);
    try {
      await spool.writeOpening(recordingUid, writer.opening);
    } catch (error) {
      await spool.removeRecording(recordingUid).finally(() => this.#running.delete(recordingUid));
      throw error;
    }
    this.#options.log.info('recording begun', about);
    uploads.wake();
    return recorder;
  }

  /** The server has no room for more: what is recorded waits here as long as there is room. */
  get serverFull(): boolean {
    return this.#serverFull;
  }

  /** Tells of each change until the returned function is called. */
  watchRoom(watcher: (full: boolean) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #roomChanged(full: boolean): void {
    this.#serverFull = full;
    for (const watcher of this.#watchers) watcher(full);
  }

  /** Its chunks are somebody else's to count only when none is on its way to the disk any more. */
  async #failedFor(recorder: SessionRecorder, uploads: RecordingUploads): Promise<void> {
    await recorder.settled;
    this.#failed.add(recorder.sessionUid);
    for (const oldest of this.#failed) {
      if (this.#failed.size <= mostFailed) break;
      this.#failed.delete(oldest);
    }
    this.#running.delete(recorder.sessionUid);
    uploads.wake();
  }

  /** The session is over. Settles when its recording is whole on the disk. */
  async end(recorder: SessionRecorder, reason: string): Promise<void> {
    await recorder.close(reason);
    this.#running.delete(recorder.sessionUid);
    (await this.#opened)?.uploads.wake();
  }

  /** What waits for the server, and what it refused for good. Null: this gateway has no place for recordings. */
  async spoolState(): Promise<SpoolState | null> {
    return (await (await this.#opened.catch(() => null))?.uploads.state()) ?? null;
  }

  /** Ends what is still being recorded. What the server has not yet stays in the spool. */
  async close(): Promise<void> {
    for (const recorder of [...this.#running.values()]) await this.end(recorder, 'gateway-stopping');
    await (await this.#opened.catch(() => null))?.uploads.close();
  }

  async #open() {
    const { spool: place, calls, device, log } = this.#options;
    if (place === null) return null;
    const spool = await Spool.open(place.folder, place.mostBytes, log);
    const uploads = new RecordingUploads({
      ...{ spool, calls, device, log },
      ...{ running: this.#running, failed: this.#failed },
      onRoom: (full) => this.#roomChanged(full),
    });
    uploads.run();
    return { spool, uploads };
  }

  async #begin(order: RecordingOrder, sessionUid: Uid): Promise<RecordingWriter> {
    const scope = { ...order.scope, sessionUid };
    const { accountUid, ownerUid, keyVersion, protocol, settings, resourceKey } = order;
    const { graphical, text, keys, clipboard, required } = settings;
    const raw = randomBytes(32);
    try {
      return await RecordingWriter.begin(this.#options.device, await importRecordingKeys(raw, sessionUid), {
        ...{ sessionUid: uidBytes(sessionUid), recordUid: uidBytes(scope.recordUid) },
        ...{ accountUid: uidBytes(accountUid), gatewayUid: uidBytes(scope.gatewayUid) },
        ...{ applicationUid: uidBytes(this.#options.applicationUid), ownerUid: uidBytes(ownerUid) },
        ...{ keyVersion, startedAtMs: BigInt(Date.now()), protocol },
        policy: { graphical, text, keys, clipboard, required },
        wrappedKey: await wrapRecordingKey(resourceKey, scope, raw),
      });
    } finally {
      wipe(raw);
    }
  }
}
