import type * as Guacamole from '@glokon/guacamole-common-js';
import { concat, decodeBase64, type Bytes } from '../../../protocol/bytes.ts';
import { decodeSmallPng, smallPngBytes, type DecodedImage } from '../../../protocol/guacamole/small-png.ts';

/**
 * Draws images of guacd's streams without a detour: letters and lines of a terminal are decoded at once, so that the frame
 * that they end waits for nothing, others by the browser, aside. Nothing is acknowledged, for guacd waits for no such word,
 * and each would be a message.
 */
export function takeImages(display: Guacamole.Display): void {
  // Guacamole's classes set their methods on each instance, so a subclass could not override them.
  display.drawStream = (layer, x, y, stream, mimetype) => {
    const parts: Bytes[] = [];
    stream.onblob = (text) => parts.push(decodeBase64(text));
    stream.onend = () => {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      const image = length <= smallPngBytes ? decodeSmallPng(concat(...parts)) : null;
      const canvas = image === null ? null : toCanvas(image);
      // The types name one kind of what a canvas can draw.
      if (canvas !== null) display.drawImage(layer, x, y, canvas as unknown as HTMLImageElement);
      else display.drawBlob(layer, x, y, new Blob(parts, { type: mimetype }));
    };
  };
}

/** One that the processor keeps: a texture for each letter would be moved back and forth. */
function toCanvas({ width, height, pixels }: DecodedImage): OffscreenCanvas | null {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context?.putImageData(new ImageData(pixels, width, height), 0, 0);
  return context === null ? null : canvas;
}
