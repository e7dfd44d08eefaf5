import * as Guacamole from '@glokon/guacamole-common-js';
import { keysyms } from '../special-keys.ts';
import { asTyped, mostCrossingBytes } from './crossing-text.ts';

const letters = { capitalV: 0x56, v: 0x76 } as const;

/** Puts the text on the session's clipboard and presses the terminal's own paste key, or that of a desktop's programs. */
export function pasteText(client: Guacamole.Client, text: string, terminal: boolean): void {
  const writer = new Guacamole.StringWriter(client.createClipboardStream('text/plain'));
  writer.sendText(terminal ? asTyped(text) : text);
  writer.sendEnd();
  const { control, shift } = keysyms;
  pressTogether(client, terminal ? [control, shift, letters.capitalV] : [control, letters.v]);
}

/** Presses the keys in order and releases them in the reverse order. */
export function pressTogether(client: Guacamole.Client, pressed: readonly number[]): void {
  for (const keysym of pressed) client.sendKeyEvent(1, keysym);
  for (const keysym of pressed.toReversed()) client.sendKeyEvent(0, keysym);
}

/** Reads a clipboard of the session; of a text over the bound nothing is kept, and null is what is taken. */
export function readClipboard(
  stream: Guacamole.InputStream,
  mimetype: string,
  take: (text: string | null) => void,
): void {
  if (!mimetype.startsWith('text/')) return;
  const reader = new Guacamole.StringReader(stream);
  let text: string | null = '';
  reader.ontext = (part: string) => {
    if (text !== null) text = text.length + part.length > mostCrossingBytes ? null : text + part;
  };
  reader.onend = () => take(text);
}
