import type { Component } from 'svelte';

/** Something that can be done with a session, in its bar or, where there is no room, in the menu at its end. */
export interface BarItem {
  /** Its name, for the tooltip, the menu and who listens. */
  readonly label: string;
  readonly icon: Component<{ size?: number }>;
  readonly run: () => void;
  /** Of something that is open or on: whether it is. */
  readonly pressed?: boolean;
  /** How many of it want to be seen; 0: nothing is shown. */
  readonly count?: number;
  /** What is counted: "2 under way". */
  readonly counted?: string;
}

/**
 * How many of `items` fit into `width` pixels, each `tool` wide with `gap` between; when not all do, one place is the
 * menu's. A width of 0 is not laid out yet: all.
 */
export function fitting(items: number, width: number, tool: number, gap: number): number {
  if (width === 0 || tool === 0) return items;
  const places = Math.floor((width + gap) / (tool + gap));
  return places >= items ? items : Math.max(0, places - 1);
}
