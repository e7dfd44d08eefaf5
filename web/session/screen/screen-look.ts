import { isColorScheme } from '../../../protocol/records/pam-settings.ts';
import { layoutNames, type LayoutName } from '../keyboard/key-layouts.ts';
import { touchModes, type TouchMode } from '../pointer/touch-gestures.ts';
import { boundedZoom, type Zoom } from './zoom.ts';

/** How somebody likes one machine's screen on this device; what is not there is as the record says. */
export interface ScreenLook {
  readonly zoom?: Zoom;
  readonly fontSize?: number;
  readonly colorScheme?: string;
  readonly touch?: TouchMode;
  /** Of the on-screen keyboard. */
  readonly layout?: LayoutName;
}

/** Points, as records have them. */
export const fontSizes = { least: 6, most: 96 } as const;

const key = 'sallyport.screens';
const mostMachines = 200;

/** What was kept for a machine. Nothing secret: a record's UID is public, and the rest is how it is drawn. */
export function readLook(recordUid: string): ScreenLook {
  return looks().get(recordUid) ?? {};
}

/** Keeps it on this device; the machines that were changed longest ago make room. */
export function keepLook(recordUid: string, look: ScreenLook): void {
  const all = looks();
  all.delete(recordUid);
  if (Object.keys(look).length > 0) all.set(recordUid, look);
  const kept = [...all].slice(-mostMachines);
  try {
    localStorage.setItem(key, JSON.stringify(kept));
  } catch {
    // No room, or the browser keeps nothing: it holds for this session alone.
  }
}

function looks(): Map<string, ScreenLook> {
  const found = new Map<string, ScreenLook>();
  for (const entry of storedEntries()) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') continue;
    found.set(entry[0], parseLook(entry[1]));
  }
  return found;
}

function storedEntries(): readonly unknown[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? stored : [];
  } catch {
    return []; // not what this page wrote: as if it were not there
  }
}

/** Whatever else wrote it: only what a screen can be set to. */
function parseLook(value: unknown): ScreenLook {
  if (typeof value !== 'object' || value === null) return {};
  const { zoom, fontSize, colorScheme, touch, layout } = value as { readonly [key: string]: unknown };
  const name = layoutNames.find((one) => one === layout);
  const mode = touchModes.find((one) => one === touch);
  return {
    ...(zoom === 'fit' && { zoom }),
    ...(typeof zoom === 'number' && Number.isFinite(zoom) && { zoom: boundedZoom(zoom) }),
    ...(isFontSize(fontSize) && { fontSize }),
    ...(isColorScheme(colorScheme) && { colorScheme }),
    ...(mode !== undefined && { touch: mode }),
    ...(name !== undefined && { layout: name }),
  };
}

export function isFontSize(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= fontSizes.least &&
    value <= fontSizes.most
  );
}
