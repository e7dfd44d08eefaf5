import { decodeBase64 } from '../../../protocol/bytes.ts';
import { readSoundFormat, type SoundFormat } from '../../../protocol/guacamole/sound-format.ts';
import { Samples, type Channel } from './samples.ts';
import { onGesture, soundContext } from './sound-context.ts';

/** A stream of guacd's, as far as it is heard. */
export interface SoundStream {
  onblob: ((data: string) => void) | null;
  onend: (() => void) | null;
}

/** What was late is made up for by so much silence at first, so that the next part is in time. */
const leadSeconds = 0.06;
/** More than this is never ahead: what comes faster than it is played, or while the page slept, is left out. */
const mostAheadSeconds = 0.5;
const fadeSeconds = 0.02;

/** The sound of one session: played as it comes, louder, softer or not at all. */
export class SessionSound {
  /** The machine can be heard: it has said in which form it sends its sound. */
  heard = $state(false);
  /** The browser plays nothing until the person does something in the page. */
  blocked = $state(false);
  muted = $state(false);
  /** 0.1 to 1. */
  volume = $state(1);
  readonly #onWanted: (wanted: boolean) => void;
  #gain: GainNode | null = null;
  #next = 0; // when what comes now is played, by the context's clock
  #playing = 0;
  #forget: () => void = () => {};

  /** `onWanted` hears whether the machine's sound is wanted, whenever that is asked or answered anew. */
  constructor(onWanted: (wanted: boolean) => void = () => {}) {
    this.#onWanted = onWanted;
  }

  /** Plays what comes on the stream. What is no sound that was asked for is silent. */
  take(stream: SoundStream, mimetype: string): void {
    const format = readSoundFormat(mimetype);
    if (format === null) return;
    const samples = new Samples(format);
    this.#begin();
    if (this.muted) this.#onWanted(false); // of a session that was muted before it lost its way
    stream.onblob = (data) => {
      const channels = samples.add(bytesOf(data));
      if (channels !== null) this.#play(format, channels);
    };
  }

  setMuted(muted: boolean): void {
    if (this.muted !== muted) this.#onWanted(!muted);
    this.muted = muted;
    this.#level();
  }

  /** A tenth louder or softer; the last tenth is not taken away, for that is what mute is for. */
  step(direction: 1 | -1): void {
    this.volume = Math.min(1, Math.max(0.1, Math.round((this.volume + direction / 10) * 10) / 10));
    this.setMuted(false);
  }

  /** The session is over. */
  close(): void {
    this.#forget();
    this.#gain?.disconnect();
    this.#gain = null;
    this.#next = 0;
    this.heard = false;
    this.blocked = false;
  }

  #begin(): void {
    this.heard = true;
    const context = soundContext();
    if (context === null || this.#gain !== null) return;
    this.#gain = context.createGain();
    this.#gain.connect(context.destination);
    this.#level();
    const look = () => (this.blocked = context.state !== 'running');
    look();
    context.addEventListener('statechange', look);
    const forgetGesture = onGesture(context);
    this.#forget = () => {
      context.removeEventListener('statechange', look);
      forgetGesture();
      this.#forget = () => {};
    };
  }

  /** The page's clock stands still while it may not play: then nothing is kept for later. */
  #play({ rate }: SoundFormat, channels: readonly Channel[]): void {
    const [context, gain] = [soundContext(), this.#gain];
    const frames = channels[0]?.length ?? 0;
    if (context === null || gain === null || context.state !== 'running' || this.muted || frames === 0)
      return;
    const now = context.currentTime;
    if (this.#next < now) this.#next = now + leadSeconds;
    if (this.#next + frames / rate > now + mostAheadSeconds) return;
    const buffer = context.createBuffer(channels.length, frames, rate);
    channels.forEach((channel, at) => buffer.copyToChannel(channel, at));
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(gain);
    source.onended = () => {
      this.#playing--;
      source.disconnect();
    };
    this.#playing++;
    source.start(this.#next);
    this.#next += frames / rate;
  }

  /** Parts that the browser has and has not played to their end. */
  get playing(): number {
    return this.#playing;
  }

  #level(): void {
    const context = soundContext();
    if (context === null || this.#gain === null) return;
    this.#gain.gain.setTargetAtTime(this.muted ? 0 : this.volume, context.currentTime, fadeSeconds);
  }
}

/** None of what is no base64: a hole in the sound is all that it costs. */
function bytesOf(data: string): Uint8Array {
  try {
    return decodeBase64(data);
  } catch {
    return new Uint8Array(0);
  }
}
