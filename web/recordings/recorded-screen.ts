/** What was on the screen at one moment, for the one that drew it. */
export interface PaintedState {
  readonly state: unknown;
  /** Roughly, in memory. */
  readonly bytes: number;
}

/** What an entry of a recording's picture is: of `RecordedPicture.kinds`. */
export const entryOf = { drawing: 0, nothing: 1, drawnAnew: 2, size: 3 } as const;

/** Draws what was recorded: guacd's pictures, or a terminal from its text. */
export interface RecordedScreen {
  readonly element: HTMLElement;
  /** Pixels of the recorded picture; 0 before the first one. */
  readonly size: { readonly width: number; readonly height: number };
  scale(factor: number): void;
  /** Whether a state of now is whole: nothing is on its way in pieces. */
  readonly settled: boolean;
  /** What an entry draws is seen after the next flush. Throws a ProtocolError for what cannot be drawn. */
  feed(bytes: Uint8Array, kind: number): void;
  /** Settles when all that was fed is drawn. Rejects when nothing more will be. */
  flush(): Promise<void>;
  /** As before the first entry. */
  clear(): void;
  /** Null while there is no picture, and when it does not come. */
  export(): Promise<PaintedState | null>;
  import(painted: PaintedState): Promise<void>;
  /** Nobody imports it any more. */
  forget(painted: PaintedState): void;
  close(): void;
}
