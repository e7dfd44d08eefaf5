import type { Uid } from '../../protocol/uid.ts';
import type { OpenedRecording, RecordingSurvey, VaultVerbs } from '../../workers/api.ts';
import type { Painter } from './painter.ts';
import { PictureReel } from './picture-reel.ts';
import { Playback } from './playback.svelte.ts';

export type PlayerVerbs = Pick<
  VaultVerbs,
  'openRecording' | 'readRecordingPicture' | 'surveyRecording' | 'closeRecording'
>;

/** One recording on the screen: opened, played, and judged while it plays. */
export class Player {
  opened = $state.raw<OpenedRecording | null>(null);
  playback = $state.raw<Playback | null>(null);
  /** Null for a recording without a picture, and before it is there. */
  painter = $state.raw<Painter | null>(null);
  /** Of the recorded picture, in its pixels. */
  size = $state.raw({ width: 0, height: 0 });
  survey = $state.raw<RecordingSurvey | null>(null);
  /** Of the survey: chunks that were read. */
  progress = $state.raw({ done: 0, of: 0 });
  /** Chunks of the picture that were left out, with what is wrong with each. */
  leftOut = $state.raw<readonly string[]>([]);
  /** Why it is not there. */
  failure = $state.raw<unknown>(null);
  /** Why it could not be checked, or played to its end. */
  trouble = $state.raw<unknown>(null);
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
      const painter = opened.pictures.some((kind) => kind !== 0) ? await this.#newPainter() : null;
      if (this.#closed) return this.#release(); // somebody left while it was opened
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
    this.#release();
  }

  #release(): void {
    void this.#verbs.closeRecording(this.#sessionUid).catch(() => undefined); // locked meanwhile: closed already
  }

  async #newPainter(): Promise<Painter> {
    const { Painter } = await import('./painter.ts');
    const painter: Painter = new Painter(() => (this.size = painter.size));
    return painter;
  }

  #newPlayback(opened: OpenedRecording, painter: Painter | null): Playback {
    const sessionUid = this.#sessionUid;
    const read = (index: number) => this.#verbs.readRecordingPicture({ sessionUid, index });
    const onFault = (index: number, text: string) => {
      const others = this.#faulty.filter((one) => one.index !== index);
      this.#faulty = [...others, { index, text }].sort((one, other) => one.index - other.index);
      this.leftOut = this.#faulty.map((one) => one.text);
    };
    return new Playback({
      lengthMs: opened.lengthMs,
      reel: painter && new PictureReel({ opened, painter, read, onFault }),
      nextEventMs: (afterMs) => this.#nextEventMs(afterMs),
      onFailed: (error) => (this.trouble = error),
    });
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
