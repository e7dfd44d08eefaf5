import { ScreenModel } from './screen/screen-model.ts';

/** What came of some instructions: the picture goes on, or the whole screen as it is then. */
export interface PicturePart {
  readonly kind: 'picture' | 'screen';
  /** Whole ones. */
  readonly instructions: readonly Uint8Array[];
}

/** Between key frames at least so much is recorded, or so many times what a key frame takes. */
const leastBytes = 2 * 1024 * 1024;
const leastRatio = 16;
/** Of a session in which little happens a player fetches no more than this before it can show a moment. */
const longestMs = 300_000;
const leastRatioLate = 1;
const sync = '4.sync,';

/** Finds moments for key frames in a picture, and makes them of what was recorded. protocol.md §25.10. */
export class KeyFrames {
  #screen = new ScreenModel();
  #bytes = 0; // of the picture since the last key frame
  #lastBytes = 0; // that the last key frame took
  #lastAtMs: number;

  constructor(nowMs: number) {
    this.#lastAtMs = nowMs;
  }

  /** What follows is a whole picture of its own. */
  startAnew(nowMs: number): void {
    this.#screen = new ScreenModel();
    this.#bytes = 0;
    this.#lastAtMs = nowMs;
  }

  /** These instructions, and the screen where a frame ends and a key frame is due. */
  take(instructions: readonly Uint8Array[], nowMs: number): PicturePart[] {
    const parts: PicturePart[] = [];
    let since = 0; // the first instruction that is in no part
    for (const [at, instruction] of instructions.entries()) {
      this.#screen.take(instruction);
      this.#bytes += instruction.length;
      if (!isSync(instruction) || !this.#isDue(nowMs)) continue;
      const screen = this.#screen.draw();
      if (screen === null) continue; // a moment later, maybe
      parts.push({ kind: 'picture', instructions: instructions.slice(since, at + 1) });
      parts.push(this.#keyFrame(screen, nowMs));
      since = at + 1;
    }
    if (since === instructions.length) return parts;
    return [...parts, { kind: 'picture', instructions: instructions.slice(since) }];
  }

  #keyFrame(instructions: readonly Uint8Array[], nowMs: number): PicturePart {
    const bytes = instructions.reduce((sum, { length }) => sum + length, 0);
    [this.#bytes, this.#lastBytes, this.#lastAtMs] = [0, bytes, nowMs];
    return { kind: 'screen', instructions };
  }

  #isDue(nowMs: number): boolean {
    if (this.#bytes >= Math.max(leastBytes, leastRatio * this.#lastBytes)) return true;
    return nowMs - this.#lastAtMs >= longestMs && this.#bytes >= leastRatioLate * this.#lastBytes;
  }
}

function isSync(instruction: Uint8Array): boolean {
  return Buffer.from(
    instruction.buffer,
    instruction.byteOffset,
    Math.min(instruction.length, sync.length),
  ).equals(Buffer.from(sync));
}
