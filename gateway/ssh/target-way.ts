import type { Duplex } from 'node:stream';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import { connectTcp } from './tcp.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How the gateway comes to a target: by itself, or through another machine. */
export interface TargetWay {
  /** True when others than this gateway make the connection to the target. */
  readonly jumps: boolean;
  /** A connection to the target. Throws a {@link SessionFailure} that names the machine and the step. */
  open(address: Address, signal: AbortSignal): Promise<Duplex>;
  /** Why a session really ended, when the way itself broke under it; else the same failure. */
  explain(failure: SessionFailure): SessionFailure;
  /** Lets go of what the way is made of. */
  close(): void;
}

/** The gateway's own network. */
export function directWay(connectMs = 10_000): TargetWay {
  const late = () => new SessionFailure('target', 'target-timed-out', 'the target does not answer');
  return {
    jumps: false,
    open: ({ host, port }, signal) =>
      withDeadline(connectMs, signal, late, (deadline) => connectTcp(host, port, deadline)),
    explain: (failure) => failure,
    close: () => undefined,
  };
}
