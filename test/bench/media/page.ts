// The page's side of `bench media`, in real Chromium: the project's own peer and multiplexer, with a flood and keys on them.
import type { Multiplexer, Stream } from '../../../protocol/channel/multiplexer.ts';
import { GatewayPeer, type PeerVerbs } from '../../../web/session/way/gateway-peer.ts';
import { Meter, flood, tokenOf } from './load.ts';

export interface FloodOptions {
  readonly direction: 'up' | 'down';
  readonly floodMs: number;
  /** Of the flood, in which its rate does not count yet. */
  readonly riseMs: number;
  readonly keyEveryMs: number;
}

export interface FloodFigures {
  /** Milliseconds from each key to its echo. */
  readonly echoes: readonly number[];
  /** Bytes a second, when the flood comes here. */
  readonly rate: number;
}

export interface MediaPage {
  offer(): Promise<string>;
  accept(answer: string): Promise<void>;
  /** Keys on a connection that does nothing else: what path and machine make of them. */
  idle(ms: number, keyEveryMs: number): Promise<number[]>;
  flood(options: FloodOptions): Promise<FloodFigures>;
  close(): void;
}

declare global {
  interface Window {
    media: MediaPage;
  }
}

let peer: GatewayPeer | null = null;
let streams: Multiplexer | null = null;

const verbs: PeerVerbs = {
  iceServers: () => Promise.resolve([]),
  resumeSession: () => Promise.reject(new Error('nothing is resumed here')),
  openDetour: () => Promise.reject(new Error('no way around here')),
  sendCandidate: () => Promise.resolve(),
};

window.media = {
  offer() {
    peer = new GatewayPeer(verbs, () => {});
    return peer.offer();
  },
  async accept(answer) {
    await peer?.accept(answer);
    streams = (await peer?.opened) ?? null;
  },
  async idle(ms, keyEveryMs) {
    return await pressKeys(ms, keyEveryMs);
  },
  async flood({ direction, floodMs, riseMs, keyEveryMs }) {
    const bulk = open(direction === 'up' ? 'sink' : 'source');
    const meter = direction === 'down' ? new Meter(bulk) : null;
    if (direction === 'up') flood(bulk);
    const start = performance.now();
    const echoes = await pressKeys(floodMs, keyEveryMs);
    const rate = meter?.rate(start + riseMs, start + floodMs) ?? 0;
    bulk.reset('cancelled');
    return { echoes, rate };
  },
  close() {
    peer?.close();
    peer = streams = null;
  },
};

function open(use: 'echo' | 'sink' | 'source'): Stream {
  if (streams === null) throw new Error('the channel is not open');
  return streams.openStream({ streamToken: tokenOf(use) });
}

/** Milliseconds from key to echo, a key every `everyMs` whatever becomes of the ones before. */
async function pressKeys(forMs: number, everyMs: number): Promise<number[]> {
  const keys = new Keys(open('echo'));
  const timer = setInterval(() => keys.press(), everyMs);
  await new Promise((resolve) => setTimeout(resolve, forMs));
  clearInterval(timer);
  return keys.finish();
}

/** Keys and their echoes, which come back in order. */
class Keys {
  readonly #echoes: number[] = [];
  readonly #stream: Stream;
  readonly #pressed: number[] = [];

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.onData = (bytes) => {
      const now = performance.now();
      for (let at = 0; at < bytes.length; at += 8) this.#echoes.push(now - (this.#pressed.shift() ?? now));
      stream.consumed(bytes.length);
    };
  }

  press(): void {
    this.#pressed.push(performance.now());
    this.#stream.write(new Uint8Array(8));
  }

  /** Those that were never answered have taken at least until now. */
  finish(): number[] {
    const now = performance.now();
    const late = this.#pressed.map((at) => now - at);
    this.#stream.reset('cancelled');
    // A key that was just pressed is not late.
    const usual = this.#echoes.length === 0 ? 0 : Math.max(...this.#echoes);
    return [...this.#echoes, ...late.filter((ms) => ms > usual)];
  }
}
