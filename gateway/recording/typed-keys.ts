import { utf8 } from '../../protocol/bytes.ts';
import type { RecordingEntry } from '../../protocol/recording/entries.ts';

type Typed = Pick<RecordingEntry, 'kind' | 'bytes'>;

/** What was typed up to a key that is no character. */
interface Segment {
  text: string;
  /** That key; empty at the end of the session. */
  end: string;
  /** It was typed where a secret was asked for. */
  secret: boolean;
}

/** How a program asks for a secret, in the last line that it wrote; or for a name, where secrets are typed by mistake. */
const secretPrompt =
  /(pass(word|phrase|code|wort)?|kennwort|contrase|mot de passe|\bpin\b|secret|token|\bcode|otp)[^\r\n]{0,60}[:?>]\s*$|\blog ?in:\s*$/i;
const promptLength = 256;
/** Of the terminal's output in which echoes are looked for, and of typed segments that wait for theirs. */
const mostSeen = 16 * 1024;
const mostWaiting = 64;
const longestSegment = 4096;

const escapes = /\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[^[\]()])/g; // eslint-disable-line no-control-regex
const erased = /[^\x08](\x08 \x08|\x08\x1b\[K)/g; // eslint-disable-line no-control-regex
const unseen = /[\x00-\x20\x7f]/g; // eslint-disable-line no-control-regex
/** Cursor and function keys, as terminals send them. */
const keySequence = /^\x1b(\[[0-?]*[ -/]*[@-~]?|O.?|[^[O])?/; // eslint-disable-line no-control-regex

/**
 * What was typed, without what may be a secret. Only what the terminal showed again is kept, so that keys never tell more
 * than the screen did; and nothing that was typed where a secret was asked for.
 */
export class TypedKeys {
  readonly #take: (typed: Typed) => void;
  #now: Segment = { text: '', end: '', secret: false };
  #waiting: Segment[] = [];
  #seen = ''; // of the output, since the first of what waits
  #prompt = '';

  constructor(take: (typed: Typed) => void) {
    this.#take = take;
  }

  /** Bytes of the target's terminal: what they echo is no secret. */
  output(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('latin1');
    this.#prompt =
      (this.#prompt + text.slice(-promptLength))
        .split(/[\r\n]/)
        .at(-1)
        ?.slice(-promptLength) ?? '';
    if (this.#waiting.length === 0 && this.#now.text === '') return void (this.#seen = '');
    this.#seen = (this.#seen + text).slice(-mostSeen);
    this.#resolve();
  }

  input(bytes: Uint8Array): void {
    let left = Buffer.from(bytes).toString('latin1');
    while (left !== '') {
      const key = keySequence.exec(left)?.[0] || left.charAt(0);
      left = left.slice(key.length);
      this.#key(key);
    }
    this.#resolve();
  }

  /** At the end: what was not seen by then is left out. */
  flush(): void {
    this.#endSegment('');
    this.#resolve();
    for (const segment of this.#waiting.splice(0)) this.#withhold(segment);
  }

  #key(key: string): void {
    const { text } = this.#now;
    if (text === '') this.#now.secret ||= secretPrompt.test(this.#prompt.replace(escapes, ''));
    if (key === '\x7f' || key === '\b') this.#now.text = text.slice(0, -1);
    else if (key.length > 1 || key < ' ') this.#endSegment(key);
    else if (text.length < longestSegment) this.#now.text += key;
  }

  #endSegment(end: string): void {
    const segment = { ...this.#now, end };
    // A secret goes on until its line is over, whatever keys are in it.
    const goesOn = segment.secret && end !== '\r' && end !== '\n';
    this.#now = { text: '', end: '', secret: goesOn };
    if (segment.text === '' && end === '') return;
    this.#waiting.push(segment);
    if (this.#waiting.length > mostWaiting) this.#withhold(this.#waiting.shift() ?? segment);
  }

  /** In their order: what was shown is kept, and what was typed before it and not shown never will be. */
  #resolve(): void {
    const seen = this.#seen.replace(erased, '').replace(escapes, '').replace(unseen, '');
    const shown = ({ text, secret }: Segment) => !secret && seen.includes(text.replace(unseen, ''));
    const last = this.#waiting.findLastIndex((segment) => segment.text !== '' && shown(segment));
    for (const segment of this.#waiting.splice(0, last + 1))
      if (shown(segment)) this.#keep(segment.text + segment.end);
      else this.#withhold(segment);
    while (this.#waiting[0]?.text === '' && !this.#waiting[0].secret)
      this.#keep(this.#waiting.shift()?.end ?? '');
    if (this.#waiting.length === 0 && this.#now.text === '') this.#seen = '';
  }

  #keep(text: string): void {
    this.#take({ kind: 'keys', bytes: Buffer.from(text, 'latin1') });
  }

  #withhold({ end, secret }: Segment): void {
    this.#take({ kind: 'withheld', bytes: utf8('') });
    if (!secret || end === '\r' || end === '\n') this.#keep(end);
  }
}
