import type { RecordingProblem, RecordingSurvey, RecordingTypist } from '../../api.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { RecordingTrack, type RecordingChunk } from '../../../protocol/messages/gen/recording_pb.js';
import { openEntries } from '../../../protocol/recording/chunk.ts';
import type { RecordingEntry } from '../../../protocol/recording/entries.ts';
import { describeFault } from '../../../protocol/recording/fault-words.ts';
import { imageWeight } from '../../../protocol/recording/image-entry.ts';
import { TerminalLines } from '../../../protocol/recording/terminal-lines.ts';
import { RecordingVerifier } from '../../../protocol/recording/verifier.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { isQuiet } from './recorded-picture.ts';

/** What a timeline can show apart. */
const mostBins = 400;
const shortestBinMs = 100;
/** Whoever types in turns for longer is told apart no more. */
const mostTypists = 5_000;
/** More chunks that do not open are not told apart. */
const mostClosed = 100;

export interface SurveyParts {
  readonly key: SymmetricKey;
  readonly pinnedKey: Bytes | null;
  readonly lengthMs: number;
  /** Whose session it was. */
  readonly accountUid: Uid;
  /** Empty for who is in no roster. */
  readonly emailOf: (accountUid: Uid) => string;
}

/** Everything of one recording in its order: judged, and of what holds its text and when something happened. */
export class Survey {
  readonly output = new TerminalLines();
  readonly typed = new TerminalLines();
  readonly #parts: SurveyParts;
  readonly #verifier: RecordingVerifier;
  readonly #activity: Uint32Array;
  readonly #binMs: number;
  readonly #closed: number[] = [];
  readonly #typists: RecordingTypist[] = [];
  #begun = false;

  constructor(parts: SurveyParts) {
    this.#parts = parts;
    this.#verifier = new RecordingVerifier(parts.pinnedKey);
    this.#binMs = Math.max(shortestBinMs, Math.ceil((parts.lengthMs + 1) / mostBins));
    this.#activity = new Uint32Array(Math.ceil((parts.lengthMs + 1) / this.#binMs));
  }

  get begun(): boolean {
    return this.#begun;
  }

  async takeOpening(signed: Bytes): Promise<void> {
    this.#begun = true;
    await this.#verifier.take({ kind: 'opening', signed });
  }

  /** Of one with a fault of its own nothing is taken over. */
  async takeChunk(chunk: RecordingChunk): Promise<void> {
    if (!(await this.#verifier.take({ kind: 'chunk', chunk }))) return;
    if (chunk.track === RecordingTrack.INDEX) return; // under another key: of the text that is read here
    try {
      for (const entry of await openEntries(this.#parts.key, chunk)) this.#take(entry);
    } catch (error) {
      if (toProtocolError(error) === null) throw error;
      if (this.#closed.length < mostClosed) this.#closed.push(chunk.index);
    }
  }

  async takeClosing(signed: Bytes): Promise<void> {
    await this.#verifier.take({ kind: 'closing', signed });
  }

  /** `count`: chunks that were asked for. */
  end(count: number): RecordingSurvey {
    this.output.end();
    this.typed.end();
    const found = this.#verifier.end(true);
    const closed = this.#closed.map((index) => ({ fault: 'does-not-open', index }));
    const faults: RecordingProblem[] = [
      ...found.map((one) => ({ ...one, text: describeFault(one) })),
      ...closed.map((one) => ({ ...one, text: `chunk ${one.index}: does not open` })),
    ];
    const [first] = faults;
    const open = faults.length === 1 && first?.fault === 'not-closed';
    return {
      verdict: open ? 'open' : faults.length === 0 ? 'complete' : 'wrong',
      ...{ faults, chunks: Math.min(count, this.#verifier.chunks) },
      ...{ activity: this.#activity, binMs: this.#binMs },
      lines: this.output.lines.length + this.typed.lines.length,
      textCut: this.output.cut || this.typed.cut,
      typists: this.#typists,
    };
  }

  #take(entry: RecordingEntry): void {
    const { atMs, kind, bytes } = entry;
    if (kind === 'output') this.output.write(atMs, bytes);
    else if (kind === 'keys') this.typed.type(atMs, bytes);
    else if (kind === 'withheld') this.typed.leaveOut(atMs);
    else if (kind === 'typist') return this.#takeTypist(atMs, uidOf(bytes));
    if (isQuiet(entry)) return;
    const bin = Math.min(this.#activity.length - 1, Math.floor(atMs / this.#binMs));
    const weight = kind === 'image' ? imageWeight(bytes) : bytes.length;
    this.#activity[bin] = (this.#activity[bin] ?? 0) + weight;
  }

  #takeTypist(atMs: number, accountUid: Uid): void {
    if (this.#typists.length >= mostTypists) return;
    const { emailOf, accountUid: host } = this.#parts;
    this.#typists.push({ atMs, accountUid, email: emailOf(accountUid), host: accountUid === host });
  }
}
