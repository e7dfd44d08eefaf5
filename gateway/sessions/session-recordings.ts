import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import type { RecordingNoticeSchema } from '../../protocol/messages/gen/command_pb.js';
import { isRecorded, recordingOver } from '../../protocol/records/pam-settings.ts';
import { resourceKeyOf } from '../../protocol/recording/recording-key.ts';
import type { SessionScope } from '../../protocol/session/session-keys.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { Recordings } from '../recording/recordings.ts';
import type { SessionRecorder } from '../recording/session-recorder.ts';
import { Refusal } from '../router/refusal.ts';
import type { Machine } from '../secrets/machine.ts';
import type { Session } from './session.ts';

export type RecordingNotice = MessageInitShape<typeof RecordingNoticeSchema>;

interface RecordedOrder {
  readonly machine: Machine;
  readonly scope: SessionScope;
  readonly accountUid: Uid;
  readonly resourceKey: SymmetricKey;
}

/** A session's recording, from before there is a session. */
export interface Recorded {
  readonly recorder: SessionRecorder | null;
  /** What the person is told; null: nothing is recorded. */
  readonly notice: RecordingNotice | null;
  /** Ends with the session, and the session with it where it must be recorded. */
  follow(session: Session): void;
  /** There will be no session. */
  giveUp(): void;
}

const unrecorded: Recorded = { recorder: null, notice: null, follow: () => {}, giveUp: () => {} };

/** What the sealed record wants recorded, and what happens to a session that cannot be. */
export class SessionRecordings {
  readonly #recordings: Recordings;
  readonly #applicationUid: Uid;
  readonly #log: Logger;

  constructor(recordings: Recordings, applicationUid: Uid, log: Logger) {
    this.#recordings = recordings;
    this.#applicationUid = applicationUid;
    this.#log = log;
  }

  resourceKeyOf({ copyKey }: Pick<Machine, 'copyKey'>, recordUid: Uid): Promise<SymmetricKey> {
    return resourceKeyOf(copyKey, this.#applicationUid, recordUid);
  }

  /** Before anything of the session is opened. Throws a {@link Refusal} when it must be recorded and cannot be. */
  async begin({ machine, ...order }: RecordedOrder): Promise<Recorded> {
    const { ownerUid, keyVersion, connection } = machine;
    const { protocol } = machine.settings;
    const settings = recordingOver(protocol, connection.recording);
    if (!isRecorded(settings)) return unrecorded;
    const { graphical, text, keys, clipboard, required } = settings;
    const waiting = this.#recordings.serverFull;
    if (required && waiting)
      throw new Refusal('recording-no-room', 'the session must be recorded, and the server has no room');
    const failed = Promise.withResolvers<void>();
    try {
      const of = { ...order, ownerUid, keyVersion, protocol, settings };
      const recorder = await this.#recordings.begin(of, () => failed.resolve());
      return {
        ...{ recorder, notice: { graphical, text, keys, clipboard, waiting } },
        follow: (session) => this.#follow(session, recorder, failed.promise, required),
        giveUp: () => void this.#recordings.end(recorder, 'not-opened'),
      };
    } catch (error) {
      this.#log.error('recording not begun', { session: order.scope.sessionUid, err: error });
      if (required) throw new Refusal('recording-unavailable', 'the session must be recorded, and cannot be');
      return { ...unrecorded, notice: { graphical, text, keys, clipboard, failed: true } };
    }
  }

  #follow(session: Session, recorder: SessionRecorder, failed: Promise<void>, required: boolean): void {
    void failed.then(() => session.recordingFailed(required, this.#recordings.serverFull));
    const unwatch = this.#recordings.watchRoom((full) => session.recordingWaits(full));
    void session.ended.then(({ code }) => {
      unwatch();
      return this.#recordings.end(recorder, code);
    });
  }
}
