import { setTimeout as wait } from 'node:timers/promises';
import { toProtocolError } from '../../../protocol/errors.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { FakePage } from '../../fakes/page.ts';
import type { TestEngine } from '../../fixtures/engine.ts';

const pauseMs = 500;
/** Longer than the peer connection takes on a busy machine: then another is tried. */
const attemptMs = 15_000;
const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };

/** A page with several sessions on one peer connection, which looks for another whenever that one is gone. */
export class SoakPage {
  readonly faults: string[] = [];
  /** How often it came back. */
  resumed = 0;
  readonly #page = new FakePage({ comesBack: true });
  readonly #engine: TestEngine;
  readonly #sessions: Uid[] = [];
  #comesBack: Promise<void> | null = null;
  #away = false;
  #over = false;

  constructor(engine: TestEngine) {
    this.#engine = engine;
    this.#page.onAway = () => {
      this.#away = true;
      this.#comesBack ??= this.#resume().finally(() => (this.#comesBack = null));
    };
    void this.#page.lost.then((code) => {
      if (!this.#over) this.faults.push(`a page lost its gateway for good: ${code}`);
    });
  }

  /** The first session brings the connection. */
  async open(recordUid: Uid): Promise<Stream> {
    const offer = this.#sessions.length === 0 ? await this.#page.offer() : null;
    const { peerUid } = this.#page;
    const started = await this.#engine.startSession({ recordUid, peerUid, display, offer });
    if (offer !== null) this.#page.accept(started.answer ?? '');
    this.#sessions.push(started.sessionUid);
    await this.#page.opened;
    return this.#page.openStream(started.streamToken);
  }

  /** Its connection is gone, without a word; settles when both ends go on over another. */
  async cut(): Promise<void> {
    this.#page.drop();
    await this.#comesBack;
  }

  /** Settles when it is on no way back. */
  async back(): Promise<void> {
    await this.#comesBack;
  }

  close(): void {
    this.#over = true;
    this.#page.close();
  }

  async #resume(): Promise<void> {
    while (this.#away && !this.#over) {
      this.#away = false;
      try {
        await Promise.race([this.#page.reopen((offer, attempt) => this.#order(offer, attempt)), late()]);
        this.resumed++;
      } catch (error) {
        if (toProtocolError(error)?.code === 'not-found')
          return void this.faults.push('the gateway knows a session no more');
        this.#away = true;
        await wait(pauseMs);
      }
    }
  }

  async #order(offer: string, attempt: number): Promise<string> {
    const [sessionUid] = this.#sessions;
    if (sessionUid === undefined) throw new Error('nothing to come back to');
    const { peerUid } = this.#page;
    return (await this.#engine.resumeSession({ sessionUid, peerUid, offer, attempt })).answer;
  }
}

async function late(): Promise<never> {
  await wait(attemptMs, undefined, { ref: false });
  throw new Error('the new connection did not open');
}
