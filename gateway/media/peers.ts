import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { prepareLibrary } from './library.ts';
import { Peer, type PeerOptions } from './peer.ts';

/** The peer connections of this gateway: one for each page, which its later sessions use again. */
export class Peers {
  readonly #peers = new Map<Uid, Peer>();
  readonly #log: Logger;
  #opening = 0;

  constructor(log: Logger) {
    prepareLibrary();
    this.#log = log;
  }

  get size(): number {
    return this.#peers.size;
  }

  /** An open connection of this account, or null. Another account's is as good as none: its UID is no secret. */
  find(uid: Uid, accountUid: Uid): Peer | null {
    const peer = this.#peers.get(uid);
    return peer?.accountUid === accountUid ? peer : null;
  }

  /** Answers an offer. Throws `malformed`, `conflict` when the UID is taken, `limit-reached` when there are too many. */
  async open(options: PeerOptions): Promise<{ readonly peer: Peer; readonly answer: string }> {
    if (this.#peers.has(options.uid)) throw new ProtocolError('conflict', 'the peer is there already');
    this.#requireRoom(options.accountUid);
    this.#opening++;
    try {
      const opened = await Peer.answer(options);
      this.#keep(opened.peer);
      return opened;
    } finally {
      this.#opening--;
    }
  }

  close(): void {
    for (const peer of [...this.#peers.values()]) peer.close();
  }

  #keep(peer: Peer): void {
    if (this.#peers.has(peer.uid)) {
      peer.close();
      throw new ProtocolError('conflict', 'the peer is there already');
    }
    this.#peers.set(peer.uid, peer);
    void peer.ended.then((reason) => {
      this.#peers.delete(peer.uid);
      this.#log.info('peer connection ended', { peer: peer.uid, code: reason.code, reason: reason.message });
    });
  }

  #requireRoom(accountUid: Uid): void {
    const own = [...this.#peers.values()].filter((peer) => peer.accountUid === accountUid).length;
    const full = this.#peers.size + this.#opening >= limits.sessionsPerGateway;
    if (full || own >= limits.sessionsPerAccount)
      throw new ProtocolError('limit-reached', 'too many peer connections');
  }
}
