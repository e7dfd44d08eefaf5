import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { newUid } from '../../../protocol/uid.ts';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { Peer } from '../../../gateway/media/peer.ts';
import { Meter, echo, flood, uses } from './load.ts';

/** The gateway's side: its own peer on real libdatachannel, which answers keys, takes floods and makes them. */
export class GatewayEnd {
  readonly #peer: Peer;
  readonly #state: { meter: Meter | null };
  /** The answer, whose one candidate is at `port`. */
  readonly answer: string;
  readonly port: number;

  private constructor(peer: Peer, answer: string, state: { meter: Meter | null }) {
    this.#peer = peer;
    this.#state = state;
    this.answer = answer;
    this.port = Number(candidateForm.exec(answer)?.[1]);
  }

  static async answer(offer: string): Promise<GatewayEnd> {
    const state: { meter: Meter | null } = { meter: null };
    const { peer, answer } = await Peer.answer({
      ...{ uid: newUid(), accountUid: newUid(), offer: parseOffer(offer) },
      media: { bindAddress: '127.0.0.1', port: null },
      iceServers: { urls: [], username: '', credential: '' },
      onCandidate: () => {},
      onStream: (_, stream, { streamToken }) => take(stream, streamToken[0], state),
    });
    return new GatewayEnd(peer, answer, state);
  }

  /** The answer as it leads to another port of this machine. */
  answerBy(port: number): string {
    return this.answer.replace(candidateForm, (text, own: string) => text.replace(own, String(port)));
  }

  /** Bytes a second of the last flood that came here. */
  rate(from: number, to: number): number {
    return this.#state.meter?.rate(from, to) ?? 0;
  }

  close(): void {
    this.#peer.close();
  }
}

const candidateForm = /127\.0\.0\.1 (\d+) typ host/;

function take(stream: Stream, use: number | undefined, state: { meter: Meter | null }): void {
  if (use === uses.echo) echo(stream);
  else if (use === uses.source) flood(stream);
  else state.meter = new Meter(stream);
}
