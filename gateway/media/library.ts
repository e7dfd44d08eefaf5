import { cleanup, initLogger, setSctpSettings } from 'node-datachannel';
import { limits } from '../../protocol/limits.ts';

/** Measured in media.md: acknowledge at once, or a browser at 40 ms gets a third of the rate. */
const sctp = { delayedSackTime: 0, sendBufferSize: 128 * 1024 } as const;
/** One message of the channel: a frame is far smaller. */
export const maxMessageSize = 64 * 1024;

let users = 0;

/** Takes the library into use for this process; the function returned lets go of it. */
export function useLibrary(): () => void {
  if (users++ === 0) {
    setSctpSettings(sctp);
    initLogger('Fatal', () => {}); // its lines hold addresses and SDP
  }
  let using = true;
  return () => {
    if (using && --users === 0) cleanup();
    using = false;
  };
}

if (maxMessageSize < limits.framePayload + 64) throw new RangeError('a frame must fit a message');
