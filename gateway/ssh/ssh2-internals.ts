import type ssh2 from 'ssh2';

/**
 * The few members of ssh2 1.17.0 (pinned) that this gateway needs and that ssh2 does not offer: measuring a
 * round trip, and a receive window of our own size. Nothing else reaches into ssh2; tests over real parts would
 * notice a change.
 */
interface Internals {
  readonly _protocol: {
    ping(): void;
    session(channel: number, window: number, packet: number): void;
    channelWindowAdjust(channel: number, bytes: number): void;
    readonly _handlers: Record<string, (() => void) | undefined>;
  };
}

interface ClientInternals extends Internals {
  readonly _callbacks: unknown[];
}

interface ChannelInternals {
  readonly outgoing: { readonly id: number; readonly state: 'open' | 'eof' | 'closing' | 'closed' };
}

/** Sends keepalive@openssh.com and gives the milliseconds until the answer. */
export function measureRoundTrip(client: ssh2.Client): Promise<number> {
  const { _callbacks, _protocol } = client as unknown as ClientInternals;
  const sent = performance.now();
  return new Promise((resolve, reject) => {
    // Answers to global requests come in order (RFC 4254 §4); on close every callback gets an error.
    _callbacks.push((error: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve(performance.now() - sent);
    });
    _protocol.ping();
  });
}

/** Calls `open`, which opens one session channel, so that the channel announces this window instead of 2 MiB. */
export function withFirstWindow(client: ssh2.Client, window: number, open: () => void): void {
  const { _protocol } = client as unknown as Internals;
  const own = Object.hasOwn(_protocol, 'session');
  const announce = _protocol.session;
  _protocol.session = (channel, _window, packet) => announce.call(_protocol, channel, window, packet);
  try {
    open();
  } finally {
    if (own) _protocol.session = announce;
    else delete (_protocol as Partial<Internals['_protocol']>).session;
  }
}

/** Takes the channel's window over: ssh2 no longer widens it, the function returned does. */
export function takeOverWindow(client: ssh2.Client, channel: ssh2.ClientChannel): (bytes: number) => void {
  const { _protocol } = client as unknown as Internals;
  const { outgoing } = channel as unknown as ChannelInternals;
  const { id } = outgoing;
  const widen = _protocol.channelWindowAdjust.bind(_protocol);
  _protocol.channelWindowAdjust = (other, bytes) => {
    if (other !== id) widen(other, bytes);
  };
  return (bytes) => {
    // Who has said all that they have to say still listens (RFC 4254 §5.3).
    if (outgoing.state === 'open' || outgoing.state === 'eof') widen(id, bytes);
  };
}

/**
 * Gives a function that asks the client of a server connection for a sign of life; what it is given is called
 * when the answer comes. ssh2's own keep-alive shares the line, so its questions are counted in.
 */
export function askClient(connection: ssh2.Connection): (onAnswer: () => void) => void {
  const { _protocol } = connection as unknown as Internals;
  const waiting: (() => void)[] = [];
  const ping = _protocol.ping.bind(_protocol);
  const ask = (onAnswer: () => void) => {
    waiting.push(onAnswer);
    ping();
  };
  _protocol.ping = () => ask(() => {});
  const answered = () => waiting.shift()?.();
  _protocol._handlers['REQUEST_FAILURE'] = answered;
  _protocol._handlers['REQUEST_SUCCESS'] = answered;
  return ask;
}
