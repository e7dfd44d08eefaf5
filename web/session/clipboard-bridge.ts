import * as Guacamole from '@glokon/guacamole-common-js';

/** What guacd keeps at most; more would be cut there without a word. */
export const mostPastedBytes = 256 * 1024;

const keys = { control: 0xffe3, shift: 0xffe1, capitalV: 0x56, v: 0x76 } as const;

/** Puts the text on the session's clipboard and presses the terminal's own paste key, or that of a desktop's programs. */
export function pasteText(client: Guacamole.Client, text: string, terminal: boolean): void {
  const writer = new Guacamole.StringWriter(client.createClipboardStream('text/plain'));
  writer.sendText(terminal ? text.replace(/\r\n|\n/g, '\r') : text);
  writer.sendEnd();
  pressTogether(client, terminal ? [keys.control, keys.shift, keys.capitalV] : [keys.control, keys.v]);
}

/** Presses the keys in order and releases them in the reverse order. */
export function pressTogether(client: Guacamole.Client, keysyms: readonly number[]): void {
  for (const keysym of keysyms) client.sendKeyEvent(1, keysym);
  for (const keysym of keysyms.toReversed()) client.sendKeyEvent(0, keysym);
}

/** Reads a clipboard of the session; a text over the bound is dropped, whoever sent it. */
export function readClipboard(
  stream: Guacamole.InputStream,
  mimetype: string,
  take: (text: string) => void,
): void {
  if (!mimetype.startsWith('text/')) return;
  const reader = new Guacamole.StringReader(stream);
  let text = '';
  reader.ontext = (part: string) => {
    if (text.length <= mostPastedBytes) text += part;
  };
  reader.onend = () => {
    if (text.length <= mostPastedBytes) take(text);
  };
}
