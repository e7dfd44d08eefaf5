/**
 * What a field is about to hold, by its `beforeinput` event; null where only the browser knows (a paste, a word that is
 * being composed, what undo brings). A guess: where the browser does otherwise, the `input` event says so.
 */
export function textAfter(field: HTMLInputElement, event: InputEvent): string | null {
  const { value, selectionStart: start, selectionEnd: end } = field;
  if (event.isComposing || start === null || end === null) return null;
  if (event.inputType === 'insertText')
    return `${value.slice(0, start)}${event.data ?? ''}${value.slice(end)}`;
  if (event.inputType !== 'deleteContentBackward') return null;
  return value.slice(0, start < end ? start : Math.max(0, start - 1)) + value.slice(end);
}
