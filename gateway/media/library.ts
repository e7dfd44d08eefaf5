import { cleanup, initLogger, setSctpSettings } from 'node-datachannel';
import { limits } from '../../protocol/limits.ts';

/** Measured in media.md: acknowledge at once, or a browser at 40 ms gets a third of the rate. */
const sctp = { delayedSackTime: 0, sendBufferSize: 128 * 1024 } as const;
/** One message of the channel: a frame is far smaller. */
export const maxMessageSize = 64 * 1024;

let ready = false;

/** Sets the library up, once in a process: its settings are the process's own. */
export function prepareLibrary(): void {
  if (ready) return;
  ready = true;
  setSctpSettings(sctp);
  initLogger('Fatal', () => {}); // its lines hold addresses and SDP
}

/** Ends the library's threads, and every peer connection of the process with them: only a program's end may do that. */
export function endLibrary(): void {
  if (ready) cleanup();
}

if (maxMessageSize < limits.framePayload + 64) throw new RangeError('a frame must fit a message');
