import { formatSize } from '../../files/file-size.ts';
import type { RemoteScreen, ScreenPolicy } from '../screen/remote-screen.ts';
import {
  crossingText,
  joinLines,
  mostCrossingBytes,
  removedText,
  runsAtOnce,
  type CrossingText,
} from './crossing-text.ts';
import { offerCopy } from './local-clipboard.ts';

type Policy = Pick<ScreenPolicy, 'disableCopy' | 'disablePaste' | 'terminal'>;

/** What the clipboard needs of its session. */
export interface ClipboardPlace {
  readonly screen: Pick<RemoteScreen, 'paste'> | null;
  readonly policy: Policy | null;
  /** A sentence for the person. */
  remark: string | null;
}

export interface CopiedText extends CrossingText {
  /** By `Date.now()`. */
  readonly at: number;
}

/** So long after a press a copy is taken for what came of it. */
const recentMs = 3_000;

const most = () => formatSize(mostCrossingBytes);

/** What crosses between the person's clipboard and the machine's, each way as far as the record allows. */
export class SessionClipboard {
  /** The last text that came from the machine. */
  copied = $state.raw<CopiedText | null>(null);
  /** It waits for the person to take it: the browser did not let it onto their clipboard. */
  offered = $state(false);
  /** A paste that would run at once waits for the person's word. */
  pending = $state.raw<CrossingText | null>(null);
  /** Whether several lines for a terminal are shown first; as long as the session lives. */
  asks = $state(true);
  readonly #place: ClipboardPlace;
  #usedAt = -Infinity;

  constructor(place: ClipboardPlace) {
    this.#place = place;
  }

  /**
   * The person just acted in this session: a copy that follows is theirs, any other is the machine's own idea. What they do in
   * another session is no leave for this one, whose machine could put its text in the place of what was copied there.
   */
  noteUse(): void {
    this.#usedAt = performance.now();
  }

  /** Before a new attempt: nothing of the last one is left, and questions are asked again. */
  reset(): void {
    this.copied = null;
    this.offered = false;
    this.pending = null;
    this.asks = true;
  }

  /** From the machine; null: more than may cross. */
  async receive(raw: string | null): Promise<void> {
    if (raw === null) {
      this.#place.remark = `The machine copied more than ${most()}: that stays there.`;
      return;
    }
    const copied = crossingText(raw);
    if (copied.bytes === 0) return;
    this.copied = { ...copied, at: Date.now() };
    const used = performance.now() - this.#usedAt <= recentMs;
    const onClipboard = used && (await offerCopy(copied.text));
    this.offered = !onClipboard;
    if (onClipboard) this.#place.remark = `Copied from the session: ${this.#sizes(copied)}.`;
  }

  /** Puts it on the person's clipboard at their own press. False: the browser refuses. */
  async take(): Promise<boolean> {
    if (this.copied === null) return true;
    try {
      await navigator.clipboard.writeText(this.copied.text);
    } catch {
      return false; // the text is shown, so that it can be copied by hand
    }
    this.offered = false;
    return true;
  }

  /** From the person, by a paste of theirs: passed on, asked about, or refused with a reason. */
  paste(raw: string): void {
    const { policy } = this.#place;
    if (policy === null) return;
    const text = crossingText(raw);
    const refusal = refusalOf(text, policy);
    if (refusal !== null) this.#place.remark = refusal;
    else if (policy.terminal && this.asks && runsAtOnce(text.text)) this.pending = text;
    else this.#send(text);
  }

  /** The text as the person left it in the question; `joined`: in one line. */
  confirm(raw: string, { joined = false, askAgain = true } = {}): void {
    this.pending = null;
    this.asks = askAgain;
    const { policy } = this.#place;
    const text = crossingText(joined ? joinLines(raw) : raw);
    const refusal = policy && refusalOf(text, policy);
    if (refusal !== null) this.#place.remark = refusal;
    else this.#send(text);
  }

  #send(text: CrossingText): void {
    const sent = this.#place.screen?.paste(text.text) === true;
    if (!sent) this.#place.remark = 'Nothing was pasted: the session is away.';
    else if (text.removed.size > 0)
      this.#place.remark = `Pasted without control characters: ${removedText(text.removed)}.`;
  }

  #sizes({ lines, bytes }: CrossingText): string {
    return `${lines === 1 ? '1 line' : `${lines} lines`}, ${formatSize(bytes)}`;
  }
}

function refusalOf({ bytes }: CrossingText, { disablePaste }: Policy): string | null {
  if (disablePaste) return 'Pasting into this session is switched off in the record.';
  if (bytes === 0) return 'The clipboard holds no text.';
  if (bytes <= mostCrossingBytes) return null;
  return `That is too much to paste at once: ${formatSize(bytes)}, and ${most()} is the most. Send it as a file instead.`;
}
