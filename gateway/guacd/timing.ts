/** Times of a guacd connection, in milliseconds. */
export interface GuacdTiming {
  /** TCP connect: guacd is on this host or next to it. */
  readonly connectMs: number;
  /** Each answer of the handshake. RDP's `ready` takes 50 ms here; a busy guacd on a slow host takes longer. */
  readonly answerMs: number;
  /** guacd drops a client that is silent for 15 s (guacd.md); three chances to be heard before that. */
  readonly keepAliveMs: number;
  /** guacd also drops a client that does not read for 15 s: before that, reading goes on without the browser. */
  readonly stallMs: number;
  /** After `disconnect`, guacd closes within 0.3 s; then the socket is destroyed. */
  readonly closeMs: number;
  /** Of nothing drawn: guacd's terminal draws what it was given at most 40 ms later; a busy machine gets more. */
  readonly quietMs: number;
  /** For the terminal to become quiet before a setting is changed, and for guacd to have changed it. */
  readonly changeMs: number;
  /** For what a target that has ended wrote last: of telnet as much as the sockets hold. */
  readonly lastWordsMs: number;
}

export const defaultTiming: GuacdTiming = {
  connectMs: 5_000,
  answerMs: 10_000,
  keepAliveMs: 5_000,
  stallMs: 10_000,
  closeMs: 1_000,
  quietMs: 100,
  changeMs: 2_000,
  lastWordsMs: 30_000,
};
