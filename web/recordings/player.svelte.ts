import type { Uid } from '../../protocol/uid.ts';
import type { OpenedRecording, RecordingSurvey, VaultVerbs } from '../../workers/api.ts';
import { PictureReel } from './picture-reel.ts';
import { Playback } from './playback.svelte.ts';
import type { RecordedScreen } from './recorded-screen.ts';

export type PlayerVerbs = Pick<
  VaultVerbs,
  'openRecording' | 'readRecordingPicture' | 'surveyRecording' | 'closeRecording'
>;

/** One recording on the screen: opened, played, and judged while it plays. */
export class Player {
  opened = $state.raw<OpenedRecording | null>(null);
  playback = $state.raw<Playback | null>(null);
  /** Null for a recording of keys alone, and before it is there. */
  painter = $state.raw<RecordedScreen | null>(null);
  /** Of the recorded picture, in its pixels. */
  size = $state.raw({ width: 0, height: 0 });
  survey = $state.raw<RecordingSurvey | null>(null);
  /** Of the survey: chunks that were read. */
  progress = $state.raw({ done: 0, of: 0 });
  /** Chunks of the picture that were left out, with what is wrong with each. */
  leftOut = $state.raw<readonly string[]>([]);
  /** Why it is not there. */
  failure = $state.raw<unknown>(null);
  /** Why it could not be checked. */
  trouble = $state.raw<unknown>(null);
  /** Why its picture is not drawn where it is. */
  undrawn = $state.raw<unknown>(null);
  readonly #verbs: PlayerVerbs;
  readonly #sessionUid: Uid;
  #faulty: readonly { readonly index: number; readonly text: string }[] = [];
  #closed = false;

  constructor(verbs: PlayerVerbs, sessionUid: Uid) {
    this.#verbs = verbs;
    this.#sessionUid = sessionUid;
  }

  async open(): Promise<void> {
    try {
      const opened = await this.#verbs.openRecording(this.#sessionUid);
      const painter = await this.#newPainter(opened);
      if (this.#closed) return this.#release(painter); // somebody left while it was opened
      this.painter = painter;
      this.playback = this.#newPlayback(opened, painter);
      this.opened = opened;
      this.playback.start();
      await this.check();
    } catch (error) {
      if (!this.#closed) this.failure = error;
    }
  }

  /** Reads all of it; again after a failure. */
  async check(): Promise<void> {
    this.trouble = null;
    try {
      const tell = (done: number, of: number) => (this.progress = { done, of });
      this.survey = await this.#verbs.surveyRecording(this.#sessionUid, tell);
    } catch (error) {
      if (!this.#closed) this.trouble = error;
    }
  }

  close(): void {
    this.#closed = true;
    this.playback?.close();
    this.#release(this.painter);
  }

  #release(painter: RecordedScreen | null): void {
    painter?.close();
    void this.#verbs.closeRecording(this.#sessionUid).catch(() => undefined); // locked meanwhile: closed already
  }

  async #newPainter({ drawnFrom }: OpenedRecording): Promise<RecordedScreen | null> {
    if (drawnFrom === null) return null;
    const Painter =
      drawnFrom === 'text'
        ? (await import('./terminal/terminal-painter.ts')).TerminalPainter
        : (await import('./painter.ts')).Painter;
    const painter: RecordedScreen = new Painter(() => (this.size = painter.size));
    return painter;
  }

  #newPlayback(opened: OpenedRecording, painter: RecordedScreen | null): Playback {
    const sessionUid = this.#sessionUid;
    const read = (index: number) => this.#verbs.readRecordingPicture({ sessionUid, index });
    const onFault = (index: number, text: string) => {
      const others = this.#faulty.filter((one) => one.index !== index);
      this.#faulty = [...others, { index, text }].sort((one, other) => one.index - other.index);
      this.leftOut = this.#faulty.map((one) => one.text);
    };
    return new Playback({
      lengthMs: opened.lengthMs,
      reel: painter && this.#watched(new PictureReel({ opened, painter, read, onFault })),
      nextEventMs: (afterMs) => this.#nextEventMs(afterMs),
      onFailed: (error) => (this.undrawn = error),
    });
  }

  /** What is drawn again was not drawn for a moment. */
  #watched(reel: PictureReel): Pick<PictureReel, 'show' | 'nextDrawingMs'> {
    return {
      show: async (atMs, signal) => {
        const arrived = await reel.show(atMs, signal);
        this.undrawn = null;
        return arrived;
      },
      get nextDrawingMs() {
        return reel.nextDrawingMs;
      },
    };
  }

  /** As exactly as the survey tells times apart. */
  #nextEventMs(afterMs: number): number | null {
    if (this.survey === null) return null;
    const { activity, binMs } = this.survey;
    const from = Math.floor(afterMs / binMs);
    const next = activity.findIndex((bytes, bin) => bin >= from && bytes > 0);
    return next < 0 ? Infinity : Math.max(afterMs, next * binMs);
  }
}
