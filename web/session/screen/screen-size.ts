/** Device pixels, and how many of them make one CSS pixel. */
export interface ScreenSize {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

const least = { width: 160, height: 120 };
const most = { width: 7680, height: 4320 };
const cssDpi = 96;

/** Null while the element is not laid out. */
export function measureScreen(element: HTMLElement): ScreenSize | null {
  const { width, height } = element.getBoundingClientRect();
  if (width === 0 || height === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  return {
    width: clamp(Math.floor(width * ratio), least.width, most.width),
    height: clamp(Math.floor(height * ratio), least.height, most.height),
    ratio,
  };
}

/** The dots per inch that make a font of the session as large as one of the page. */
export function dpiOf(size: ScreenSize): number {
  return Math.round(cssDpi * size.ratio);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
