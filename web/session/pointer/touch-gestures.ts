import type { Place } from './pointer-place.ts';

/** A finger on the picture is the pointer; or the picture is a touchpad, which moves the pointer from where it is. */
export const touchModes = ['direct', 'touchpad'] as const;
export type TouchMode = (typeof touchModes)[number];

/** What fingers mean. Places are the page's; of a touchpad they are where the fingers are, not the pointer. */
export interface GestureTargets {
  readonly click: (at: Place, button: 'left' | 'right') => void;
  readonly dragStart: (at: Place) => void;
  readonly dragMove: (at: Place, by: Place) => void;
  readonly dragEnd: () => void;
  /** Of a touchpad: the pointer goes so far. */
  readonly move: (by: Place) => void;
  readonly scroll: (by: Place) => void;
  /** Two fingers became so many times as far from one another, around a place. */
  readonly pinch: (ratio: number, around: Place) => void;
}

type Phase = 'idle' | 'undecided' | 'drag' | 'move' | 'two' | 'scroll' | 'pinch' | 'over';

const longPressMs = 500;
const againMs = 300;
/** CSS pixels that a resting finger may wander. */
const wander = 10;
const pinchFrom = 24;

/** Reads one or two fingers; a third is no gesture. */
export class TouchGestures {
  mode: TouchMode = 'direct';
  readonly #targets: GestureTargets;
  readonly #fingers = new Map<number, Place>();
  #phase: Phase = 'idle';
  #start: Place = { x: 0, y: 0 };
  #startSpread = 0;
  #last: Place = { x: 0, y: 0 };
  #lastSpread = 0;
  #tappedAt = -Infinity;
  /** It came back at once after a tap. */
  #again = false;
  #longPress: ReturnType<typeof setTimeout> | null = null;

  constructor(targets: GestureTargets) {
    this.#targets = targets;
  }

  down(id: number, at: Place): void {
    this.#fingers.set(id, at);
    if (this.#fingers.size === 1) return this.#begin(at);
    this.#stopWaiting();
    if (this.#phase === 'drag') this.#targets.dragEnd();
    if (this.#fingers.size > 2) this.#phase = 'over';
    else if (this.#phase !== 'over') this.#beginTwo();
  }

  move(id: number, at: Place): void {
    const before = this.#fingers.get(id);
    if (before === undefined) return;
    this.#fingers.set(id, at);
    if (this.#fingers.size === 1) this.#moveOne(at);
    else if (this.#fingers.size === 2) this.#moveTwo();
  }

  up(id: number): void {
    if (!this.#fingers.delete(id) || this.#fingers.size > 0) return;
    this.#stopWaiting();
    const phase = this.#phase;
    this.#phase = 'idle';
    if (phase === 'undecided') this.#tap();
    else if (phase === 'two') this.#targets.click(this.#start, 'right');
    else if (phase === 'drag') this.#targets.dragEnd();
  }

  /** The browser took the fingers away, or the session left. */
  cancel(): void {
    if (this.#phase === 'drag') this.#targets.dragEnd();
    this.#stopWaiting();
    this.#fingers.clear();
    this.#phase = 'idle';
  }

  #begin(at: Place): void {
    this.#phase = 'undecided';
    this.#again = performance.now() - this.#tappedAt < againMs;
    this.#start = this.#last = at;
    this.#longPress = setTimeout(() => {
      this.#phase = 'over';
      this.#targets.click(at, 'right');
    }, longPressMs);
  }

  #beginTwo(): void {
    this.#phase = 'two';
    this.#start = this.#last = this.#middle();
    this.#startSpread = this.#lastSpread = this.#spread();
  }

  #moveOne(at: Place): void {
    if (this.#phase === 'undecided' && distance(at, this.#start) > wander) this.#decideOne();
    const by = minus(at, this.#last);
    if (this.#phase === 'drag') this.#targets.dragMove(at, by);
    else if (this.#phase === 'move') this.#targets.move(by);
    else return;
    this.#last = at;
  }

  /** On a touchpad a finger drags when it comes back at once after a tap. */
  #decideOne(): void {
    this.#stopWaiting();
    const drags = this.mode === 'direct' || this.#again;
    this.#phase = drags ? 'drag' : 'move';
    if (drags) this.#targets.dragStart(this.#start);
  }

  #moveTwo(): void {
    const [middle, spread] = [this.#middle(), this.#spread()];
    if (this.#phase === 'two') {
      if (Math.abs(spread - this.#startSpread) > pinchFrom) this.#phase = 'pinch';
      else if (distance(middle, this.#start) > wander) this.#phase = 'scroll';
      else return;
    }
    if (this.#phase === 'pinch') this.#targets.pinch(spread / Math.max(1, this.#lastSpread), middle);
    else if (this.#phase === 'scroll') this.#targets.scroll(minus(middle, this.#last));
    this.#last = middle;
    this.#lastSpread = spread;
  }

  #tap(): void {
    this.#tappedAt = performance.now();
    this.#targets.click(this.#start, 'left');
  }

  #stopWaiting(): void {
    if (this.#longPress !== null) clearTimeout(this.#longPress);
    this.#longPress = null;
  }

  #pair(): readonly [Place, Place] {
    const [one = this.#start, two = one] = this.#fingers.values();
    return [one, two];
  }

  #middle(): Place {
    const [one, two] = this.#pair();
    return { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
  }

  #spread(): number {
    return distance(...this.#pair());
  }
}

function minus(one: Place, two: Place): Place {
  return { x: one.x - two.x, y: one.y - two.y };
}

function distance(one: Place, two: Place): number {
  return Math.hypot(one.x - two.x, one.y - two.y);
}
