import { limits } from '../limits.ts';
import { DeliveryRate, type DeliverySample } from './delivery-rate.ts';
import { Pace } from './pace.ts';
import { Windowed } from './windowed.ts';

/**
 * After BBR (draft-cardwell-iccrg-bbr-congestion-control-02), by a window alone: a page has no timers to pace by, and SCTP
 * below sends no bursts. So no phase may have more than half a round trip in the queue.
 *
 * Startup (§4.3.1) grows by half each round, not by 2.77, and by less once acknowledgements come for half of the round (the
 * path is half full: HyStart's acknowledgement trains); it waits while the round trip shows a queue (RFC 9406 §4.2: here it
 * may be SCTP's own slow start, which passes), and ends after rounds in which little came of it (§4.3.1.2). A loss at its end
 * would cost SCTP minutes on a long path.
 */
const startup = {
  ...{ gain: 1.5, lateGain: 1.2, lateMost: 1.25, grown: 0.4, flatRounds: 3 },
  ...{ train: { share: 1 / 12, ms: 3 }, full: 0.55, queue: { share: 0.25, ms: 4 } },
};
/**
 * ProbeBW (§4.3.3), a round each: twice more than the path is thought to hold, so that the second sees what came of the first;
 * less, so that the queue is empty and the round trip is seen as it is, which spares ProbeRTT (§4.3.4); what it holds.
 */
const cycle = [1.25, 1.25, 0.75, 1, 1, 1, 1, 1] as const;
const [firstProbe, lastProbe, drain] = [0, 1, 2];
/** A probe that found so much more goes on. */
const found = 1.1;
/** "Plus a little": what waits at the far end for its acknowledgement (§4.5.5), in milliseconds at the path's rate. */
const slackMs = 3;
/** A window goes out no faster than so many times in a round trip, and no more of it at once than goes out in so long. */
const pace = { startGain: 2, gain: 1.25, ms: 10, least: 2 * 1024 };
/** Rounds of short paths last longer than a round trip: a batch of acknowledgements is none. */
const shortestRoundMs = 5;
/** How long samples count, and in how many round trips at least (§4.5.2, §4.5.3). */
const rateKept = { ms: 1_000, rounds: 10 };
const roundTripKept = { ms: 3_000, rounds: 24 };
/** A lowest round trip that has grown so much is another path: what is known of the rate is worth nothing. */
const anotherPath = { factor: 1.5, ms: 5 };

/**
 * What a sender knows of its path, and how much it may have on the way at once: delivery rate × lowest round trip, plus a
 * little. Less leaves the path idle; more only fills queues ahead of everybody's keystrokes. Milliseconds and bytes.
 */
export class PathModel {
  readonly #now: () => number;
  readonly #flight: DeliveryRate;
  readonly #pace: Pace;
  #rates = Windowed.highest();
  #roundTrips = Windowed.lowest();
  #starting = true;
  #startWindow: number = limits.firstFlight;
  #startGain = startup.gain;
  #trainMs = 0; // of this round, in which acknowledgements came one after another
  #acknowledgedAt = 0;
  #queued = false; // the last round trip was longer than the path's
  #fullest = 0; // highest rate of startup
  #flatRounds = 0;
  #phase = drain; // of the cycle
  #beforeProbe = 0; // the rate
  #round = { since: 0, end: 0 }; // until so many bytes were delivered when what arrives was sent

  constructor(now: () => number) {
    this.#now = now;
    this.#flight = new DeliveryRate(now);
    this.#pace = new Pace(now);
  }

  /** Bytes that may be on the way at once. */
  get window(): number {
    if (this.#starting) return this.#startWindow;
    return bounded(this.#holds(cycle[this.#phase] ?? 1));
  }

  get inFlight(): number {
    return this.#flight.inFlight;
  }

  /** Bytes a millisecond that the path delivers, as far as it has been seen. */
  get rate(): number | null {
    return this.#rates.best;
  }

  /** The lowest of late. */
  get roundTripMs(): number | null {
    return this.#roundTrips.best;
  }

  /** Milliseconds until more may go out, though the window is not full; 0: now. */
  get waitMs(): number {
    const roundTrip = this.#roundTrips.best;
    if (roundTrip === null || roundTrip <= pace.ms) return 0;
    const rate = ((this.#starting ? pace.startGain : pace.gain) * this.window) / roundTrip;
    return this.#pace.wait(rate, Math.max(pace.least, rate * pace.ms));
  }

  /** Bytes that were handed to the carrier. */
  sent(bytes: number): void {
    this.#pace.spend(bytes);
    this.#flight.sent(bytes, this.window);
  }

  /** There is room and nothing to send: what arrives meanwhile does not say what the path can do (§4.1.2.4). */
  hungry(): void {
    this.#flight.hungry();
  }

  /** The peer has so many bytes more. */
  acknowledged(bytes: number): void {
    // A window that was not full has not shown yet that it is too small.
    const full = this.inFlight >= this.#startWindow / 2 && !this.#flight.isHungry;
    const samples = this.#flight.acknowledged(bytes);
    for (const sample of samples) this.#take(sample);
    if (this.#starting) this.#grow(full ? bytes : 0);
  }

  #take(sample: DeliverySample): void {
    const { roundTripMs, rate, bytes, deliveredBefore } = sample;
    this.roundTrip(roundTripMs);
    const lowest = this.#roundTrips.best ?? 0;
    // A flight of some size that waited in a queue was one of a full path, though its sender then had no more, or no credit.
    const full = sample.eligible || (this.#queued && bytes >= this.#holds(1) / 2);
    // Acknowledgements of less than a round trip are a burst of them, no rate (§4.1.2.3).
    if (roundTripMs >= lowest && (full || rate > (this.#rates.best ?? 0)))
      this.#rates.add(rate, this.#now(), Math.max(rateKept.ms, rateKept.rounds * lowest));
    if (deliveredBefore >= this.#round.end && full) this.#endRound();
  }

  /** A round trip that was measured. */
  roundTrip(ms: number): void {
    const before = this.#roundTrips.best;
    this.#roundTrips.add(ms, this.#now(), Math.max(roundTripKept.ms, roundTripKept.rounds * ms));
    const lowest = this.#roundTrips.best ?? ms;
    this.#queued = ms > lowest * (1 + startup.queue.share) + startup.queue.ms;
    const changed = before !== null && lowest > before * anotherPath.factor + anotherPath.ms;
    if (changed && !this.#starting) this.#start();
  }

  /** Another carrier: nothing is on the way, and nothing is known of its path. */
  restart(): void {
    this.#flight.restart();
    this.#roundTrips = Windowed.lowest();
    this.#start();
  }

  /** So many times what the path holds, and plus a little where the queue is not to become empty. */
  #holds(gain: number): number {
    const [rate, roundTrip] = [this.#rates.best ?? 0, this.#roundTrips.best ?? 0];
    return rate * (gain * roundTrip + (gain < 1 ? 0 : slackMs));
  }

  #grow(bytes: number): void {
    const now = this.#now();
    const gap = now - this.#acknowledgedAt;
    this.#acknowledgedAt = now;
    const { share, ms } = startup.train;
    if (gap <= Math.max(ms, share * (this.#roundTrips.best ?? 0))) this.#trainMs += gap;
    const wanted = this.#startWindow + (this.#queued ? 0 : bytes * (this.#startGain - 1));
    const late = this.#startGain === startup.lateGain;
    this.#startWindow = bounded(late ? Math.min(wanted, this.#holds(startup.lateMost)) : wanted);
  }

  #start(): void {
    this.#starting = true;
    this.#startGain = startup.gain;
    this.#trainMs = 0;
    this.#startWindow = limits.firstFlight;
    this.#fullest = this.#flatRounds = 0;
    this.#rates = Windowed.highest();
    this.#round = { since: this.#now(), end: this.#flight.delivered };
  }

  /** What arrives was sent after the round began. */
  #endRound(): void {
    const now = this.#now();
    const elapsed = now - this.#round.since;
    if (elapsed < shortestRoundMs) return;
    this.#round = { since: now, end: this.#flight.delivered };
    if (this.#starting) this.#look(elapsed);
    else this.#nextPhase();
  }

  /** Whether startup has come to the end of the path. */
  #look(elapsed: number): void {
    const rate = this.#rates.best ?? 0;
    const grown = 1 + (this.#startGain - 1) * startup.grown;
    if (this.#trainMs >= elapsed * startup.full) this.#startGain = startup.lateGain;
    this.#trainMs = 0;
    this.#flatRounds = rate < this.#fullest * grown ? this.#flatRounds + 1 : 0;
    if (this.#flatRounds === 0) this.#fullest = rate;
    if (this.#flatRounds < startup.flatRounds) return;
    this.#starting = false;
    this.#phase = drain; // of what startup put into the queue (§4.3.2)
  }

  #nextPhase(): void {
    const rate = this.#rates.best ?? 0;
    const goesOn = this.#phase === lastProbe && rate > this.#beforeProbe * found;
    this.#phase = goesOn ? firstProbe : (this.#phase + 1) % cycle.length;
    if (this.#phase === firstProbe) this.#beforeProbe = rate;
  }
}

function bounded(window: number): number {
  return Math.min(limits.unacknowledged, Math.max(limits.leastFlight, Math.round(window)));
}
