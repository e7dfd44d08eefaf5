import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { channelLabels } from '../../../protocol/channel/carrier.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

export interface DataChannelHooks {
  readonly onOpen: (carrier: Carrier) => void;
  readonly onMessage: (message: Uint8Array) => void;
  readonly onRoom: () => void;
  /** One of them is closed. */
  readonly onClosed: () => void;
}

/** What was said last may still be on its way when a channel is closed. */
const farewellMs = 1_000;

/**
 * The data channels of one peer connection, a lane each, as one carrier (protocol.md §14.11). Unordered: what follows a lost
 * packet is not held back by it.
 */
export class DataChannels {
  readonly #channels: Readonly<Record<keyof typeof channelLabels, RTCDataChannel>>;
  #opened = 0;
  #over = false;

  constructor(connection: RTCPeerConnection, hooks: DataChannelHooks) {
    const create = (label: string) => connection.createDataChannel(label, { ordered: false });
    this.#channels = { bulk: create(channelLabels.bulk), prompt: create(channelLabels.prompt) };
    for (const channel of this.#all) this.#listen(channel, hooks);
  }

  get open(): boolean {
    return this.#all.every(({ readyState }) => readyState === 'open');
  }

  /** Nothing is said or heard any more; what was said last still leaves, then `done` is called. */
  close(done: () => void): void {
    this.#over = true;
    if (!this.open) return done();
    const deadline = setTimeout(done, farewellMs);
    for (const channel of this.#all) {
      channel.addEventListener('close', () => {
        if (this.#all.some(({ readyState }) => readyState !== 'closed')) return;
        clearTimeout(deadline);
        done();
      });
      channel.close();
    }
  }

  get #all(): RTCDataChannel[] {
    return Object.values(this.#channels);
  }

  #listen(channel: RTCDataChannel, { onOpen, onMessage, onRoom, onClosed }: DataChannelHooks): void {
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = limits.channelLowWater;
    channel.addEventListener('bufferedamountlow', () => this.#over || onRoom());
    channel.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer && !this.#over) onMessage(new Uint8Array(data));
    });
    channel.addEventListener('close', () => this.#over || onClosed());
    channel.addEventListener('open', () => {
      if (++this.#opened === this.#all.length && !this.#over) onOpen(this.#carrier());
    });
  }

  #carrier(): Carrier {
    const { bulk, prompt } = this.#channels;
    return {
      send: (message, lane) => {
        if (this.#over) throw new ProtocolError('unavailable', 'the channel is closed');
        this.#channels[lane].send(message);
      },
      bufferedAmount: () => bulk.bufferedAmount + prompt.bufferedAmount,
    };
  }
}
