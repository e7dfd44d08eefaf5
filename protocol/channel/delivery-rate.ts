/** What the arrival of one mark says of its path. */
export interface DeliverySample {
  readonly roundTripMs: number;
  /** Bytes that arrived while it was on its way, and so many a millisecond. */
  readonly bytes: number;
  readonly rate: number;
  /** The sender had enough to send. */
  readonly eligible: boolean;
  /** Bytes that had been delivered when it was sent. */
  readonly deliveredBefore: number;
}

interface Mark {
  readonly at: number;
  /** It has arrived when so many bytes were delivered. */
  readonly end: number;
  readonly delivered: number;
  readonly deliveredAt: number;
  /** When that was sent which had been delivered last. */
  readonly firstAt: number;
  readonly eligible: boolean;
}

/** In a window, so that a sample comes every few hundredths of a round trip; and at once, whatever becomes of it. */
const marks = { perWindow: 16, spacing: 1024, most: 64 };

/**
 * What is on the way, and at what rate it arrives: draft-cheng-iccrg-delivery-rate-estimation-02 (§3.2, §3.3), on marks in
 * what is sent instead of on each packet. Bytes count as arrived in the order of their sending, whichever came.
 */
export class DeliveryRate {
  readonly #now: () => number;
  #marks: Mark[] = [];
  #sent = 0;
  #delivered = 0;
  #deliveredAt: number;
  #firstAt: number;
  #hungryUntil = 0; // bytes delivered: what is sent before more are does not fill the path

  constructor(now: () => number) {
    this.#now = now;
    this.#deliveredAt = this.#firstAt = now();
  }

  get delivered(): number {
    return this.#delivered;
  }

  get inFlight(): number {
    return this.#sent - this.#delivered;
  }

  get isHungry(): boolean {
    return this.#hungryUntil >= this.#delivered;
  }

  hungry(): void {
    this.#hungryUntil = this.#sent;
  }

  sent(bytes: number, window: number): void {
    const now = this.#now();
    if (this.inFlight === 0) this.#deliveredAt = this.#firstAt = now;
    this.#sent += bytes;
    const since = this.#sent - (this.#marks.at(-1)?.end ?? 0);
    if (this.#marks.length > 0 && since < Math.max(marks.spacing, window / marks.perWindow)) return;
    if (this.#marks.length >= marks.most) return;
    const { delivered } = this;
    const before = { delivered, deliveredAt: this.#deliveredAt, firstAt: this.#firstAt };
    this.#marks.push({ at: now, end: this.#sent, ...before, eligible: !this.isHungry });
  }

  /** The marks that have arrived by this. */
  acknowledged(bytes: number): DeliverySample[] {
    const now = this.#now();
    this.#delivered += bytes;
    this.#deliveredAt = now;
    const arrived = this.#marks.filter(({ end }) => end <= this.#delivered);
    if (arrived.length === 0) return [];
    this.#marks.splice(0, arrived.length);
    this.#firstAt = arrived.at(-1)?.at ?? this.#firstAt;
    return arrived.map((mark) => ({
      roundTripMs: now - mark.at,
      bytes: this.#delivered - mark.delivered,
      // Nothing arrives faster than it was sent: acknowledgements that come all at once are no rate.
      rate: (this.#delivered - mark.delivered) / Math.max(now - mark.deliveredAt, mark.at - mark.firstAt, 1),
      eligible: mark.eligible,
      deliveredBefore: mark.delivered,
    }));
  }

  /** Nothing is on the way any more, and will not arrive. */
  restart(): void {
    this.#marks = [];
    this.#sent = this.#hungryUntil = this.#delivered;
  }
}
