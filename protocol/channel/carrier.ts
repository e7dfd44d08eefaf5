import type { Bytes } from '../bytes.ts';

/** What carries the messages of a multiplexer: ordered and whole for as long as it lasts. One follows another. */
export interface Carrier {
  /** Hands one message on. A throw means that the carrier is gone. */
  readonly send: (message: Bytes) => void;
  /** Bytes that it has taken and not yet sent. */
  readonly bufferedAmount: () => number;
}
