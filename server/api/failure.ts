import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import type { Logger } from '../log/logger.ts';
import { isStoreAway } from '../store/violation.ts';

/** What a caller may learn of an error. What is not a refusal of ours is logged here, once, and becomes a code. */
export function describeFailure(log: Logger, where: string, error: unknown): ProtocolError {
  const known = toProtocolError(error);
  if (known && known.code !== 'internal') return known;
  if (isStoreAway(error)) {
    log.warn({ event: 'store-away', method: where, err: error });
    return new ProtocolError('unavailable', 'the store cannot be reached');
  }
  log.error({ event: 'failure', method: where, err: error });
  return new ProtocolError('internal', 'the server failed');
}
