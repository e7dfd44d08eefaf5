import { cleanup, initLogger, setSctpSettings } from 'node-datachannel';
import { limits } from '../../protocol/limits.ts';

/**
 * Measured by `bench media`: acknowledge at once, or a browser at 40 ms gets a third of the rate. What was sent and not yet
 * acknowledged is in the send buffer too, so it has to hold all that a path does; how much that is, the multiplexer's model of
 * the path decides (path-model.ts). The receive buffer bounds what a page may send that fits nowhere. HighSpeed TCP's answer
 * to a loss (module 1, RFC 3649): after the usual one a path of 40 ms and 100 Mbit/s takes ten seconds to come back.
 */
const sctp = {
  delayedSackTime: 0,
  sendBufferSize: 4 * 2 ** 20,
  recvBufferSize: 2 * 2 ** 20,
  congestionControlModule: 1,
} as const;
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
