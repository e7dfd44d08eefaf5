import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GatewayFrameSchema } from '../../protocol/messages/gen/link_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

export type GatewayFrameBody = NonNullable<MessageInitShape<typeof GatewayFrameSchema>['body']>;

/** Own frames until the router says that they arrived, to be sent again when a broken link is resumed. */
export class ReplayLog {
  #frames: GatewayFrameBody[] = [];
  #acknowledged = 0n;

  /** Frames given to this log so far, on this link and those that it resumed. */
  get sent(): bigint {
    return this.#acknowledged + BigInt(this.#frames.length);
  }

  /** False: there is no room, so this link cannot be resumed any more. */
  add(frame: GatewayFrameBody): boolean {
    if (this.#frames.length >= limits.linkReplayFrames) return false;
    this.#frames.push(frame);
    return true;
  }

  /** Drops what has arrived. Throws `malformed` for a count that cannot be. protocol.md §11.4. */
  acknowledge(received: bigint): void {
    if (received < this.#acknowledged || received > this.sent)
      throw new ProtocolError('malformed', 'acknowledges frames that were not sent');
    this.#frames = this.#frames.slice(Number(received - this.#acknowledged));
    this.#acknowledged = received;
  }

  /** What has not arrived, in order. */
  get pending(): readonly GatewayFrameBody[] {
    return this.#frames;
  }

  /** A new link begins. */
  clear(): void {
    this.#frames = [];
    this.#acknowledged = 0n;
  }
}
