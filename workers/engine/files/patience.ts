import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { pause, type Clock } from '../clock.ts';
import { requireGoing } from './lanes.ts';

/** What the next try may not meet again. */
const passing: readonly ErrorCode[] = [
  'offline',
  'unavailable',
  'too-many-requests',
  'timed-out',
  'internal',
];
const firstWaitMs = 500;
const longestWaitMs = 20_000;

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tries: number;
  /** Told when it begins to wait for the server, and when the server is back. */
  readonly onWaiting?: (waiting: boolean) => void;
}

/** Does it again, after growing waits, as long as the server is away. Throws the last failure, and `cancelled`. */
export async function patiently<T>(
  { clock, signal, tries, onWaiting = () => {} }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ;) {
    requireGoing(signal);
    try {
      const result = await attempt();
      if (failures > 0) onWaiting(false);
      return result;
    } catch (error) {
      requireGoing(signal);
      const again = error instanceof ProtocolError && passing.includes(error.code);
      if (!again || ++failures >= tries) throw error;
      onWaiting(true);
      await pause(clock, Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1)), signal);
    }
  }
}
