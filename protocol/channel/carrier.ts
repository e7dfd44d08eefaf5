import type { Bytes } from '../bytes.ts';

/** Of what is handed to a carrier: a flood's frames, and those that somebody waits for, which may overtake the flood's. */
export type Lane = 'bulk' | 'prompt';

/**
 * What carries the messages of a multiplexer: each whole and once, for as long as it lasts, in any order. One carrier follows
 * another.
 */
export interface Carrier {
  /** Hands one message on. A throw means that the carrier is gone. */
  readonly send: (message: Bytes, lane: Lane) => void;
  /** Bytes that it has taken and not yet sent. */
  readonly bufferedAmount: () => number;
}

/** The data channels of a peer connection, one for each lane. protocol.md §14.11. */
export const channelLabels: Readonly<Record<Lane, string>> = {
  bulk: 'sallyport-bulk',
  prompt: 'sallyport-prompt',
};
