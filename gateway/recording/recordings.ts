import { wipe } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import type { RecordingSettings } from '../../protocol/records/pam-settings.ts';
import { wrapRecordingKey } from '../../protocol/recording/recording-key.ts';
import { RecordingWriter } from '../../protocol/recording/writer.ts';
import type { SessionScope } from '../../protocol/session/session-keys.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { ServerCalls } from '../router/server-calls.ts';
import { SessionRecorder } from './session-recorder.ts';
import { Spool } from './spool.ts';
import { RecordingUploads } from './uploads.ts';

export interface RecordingsOptions {
  readonly device: Signer;
  readonly applicationUid: Uid;
  readonly calls: ServerCalls;
  /** Where sealed chunks wait for the server, and how much may; null: this gateway records nothing. */
  readonly spool: { readonly folder: string; readonly mostBytes: number } | null;
  readonly log: Logger;
}

/** What a recording is of. */
export interface RecordingOrder {
  readonly scope: SessionScope;
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
    const { sessionUid } = order.scope;
    const writer = await this.#begin(order);
    const recorder = new SessionRecorder({
      ...{ writer, spool, policy: order.settings, onStored: () => uploads.wake() },
      onFailed: (error) => {
        this.#options.log.error('recording failed', { session: sessionUid, err: error });
        this.#failed.add(sessionUid);
        this.#running.delete(sessionUid);
        uploads.wake();
        onFailed();
      },
    });
    this.#running.set(sessionUid, recorder);
    try {
      await spool.writeOpening(sessionUid, writer.opening);
    } catch (error) {
      this.#running.delete(sessionUid);
      await spool.removeRecording(sessionUid);
      throw error;
    }
    uploads.wake();
    return recorder;
  }

  /** The session is over. Settles when its recording is whole on the disk. */
  async end(recorder: SessionRecorder, reason: string): Promise<void> {
    await recorder.close(reason);
    this.#running.delete(recorder.sessionUid);
    (await this.#opened)?.uploads.wake();
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
    const running = { has: (uid: Uid) => this.#running.has(uid) };
    const uploads = new RecordingUploads({ spool, calls, device, running, failed: this.#failed, log });
    uploads.run();
    return { spool, uploads };
  }

  async #begin(order: RecordingOrder): Promise<RecordingWriter> {
    const { scope, accountUid, ownerUid, keyVersion, protocol, settings, resourceKey } = order;
    const { graphical, text, keys, clipboard, required } = settings;
    const raw = randomBytes(32);
    try {
      return await RecordingWriter.begin(this.#options.device, await SymmetricKey.import(raw), {
        ...{ sessionUid: uidBytes(scope.sessionUid), recordUid: uidBytes(scope.recordUid) },
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
