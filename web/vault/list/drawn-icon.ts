import { mount, untrack, type Component } from 'svelte';
import { recordIcon } from '../record-icon.ts';

const size = 17;
const drawings = new Map<Component<{ size?: number }>, Element>();

/**
 * Puts the icon of a type into an element, as a copy of one that was drawn before: rows come and go with every letter of
 * a search, and a component for each icon takes many times as long.
 */
export function drawnIcon(type: string): (element: Element) => void {
  return (element) => element.replaceChildren(...untrack(() => drawingOf(type).cloneNode(true).childNodes));
}

function drawingOf(type: string): Element {
  const Icon = recordIcon(type);
  const known = drawings.get(Icon);
  if (known !== undefined) return known;
  const place = document.createElement('div');
  mount(Icon, { target: place, props: { size } });
  drawings.set(Icon, place);
  return place;
}
