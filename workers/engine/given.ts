import type { Bytes } from '../../protocol/bytes.ts';

/** A thing as the server gave it: what is judged, and the very bytes that it was read from, which are stored. */
export interface Given<Message> {
  readonly message: Message;
  readonly bytes: Bytes;
}
