/** Cells of one line that look alike. */
export interface ScreenRun {
  /** Column of the first. */
  readonly x: number;
  /** Columns that it covers. */
  readonly width: number;
  /** A code unit for each column; or, alone, whatever one cell holds. */
  readonly text: string;
  /** 0xRRGGBB. */
  readonly ink: number;
  readonly ground: number;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly underlined: boolean;
  readonly struck: boolean;
}

/** What a terminal shows at a moment. */
export interface ScreenFrame {
  readonly columns: number;
  readonly rows: number;
  /** Null: hidden. */
  readonly cursor: { readonly x: number; readonly y: number } | null;
  readonly lines: readonly (readonly ScreenRun[])[];
}
