import type { Page } from 'playwright';

/** What a page showed for a while. */
export interface FrameWatch {
  /** Frames of the browser whose picture was another than that of the one before. */
  readonly frames: number;
  /** Bytes of pixels that changed in them, by a sample of every eighth pixel each way, times 64. */
  readonly changedBytes: number;
}

/** Looks at the session's picture in each frame of the browser; the same way whoever draws it. */
export function watchFrames(page: Page, ms: number): Promise<FrameWatch> {
  return page.evaluate(count, ms);
}

/** Runs in the page. It reads a small copy of the picture, so looking costs little beside drawing. */
function count(ms: number): Promise<FrameWatch> {
  const step = 8;
  const bytesAPixel = 4;
  const pictures = [...document.querySelectorAll<HTMLCanvasElement>('[role="application"] canvas')]
    .filter((canvas) => canvas.checkVisibility() && canvas.width > 200)
    .sort((a, b) => b.width * b.height - a.width * a.height);
  const [picture] = pictures;
  if (!picture) throw new Error('no picture is shown');
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [Math.floor(picture.width / step), Math.floor(picture.height / step)];
  const context = copy.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no context');
  context.imageSmoothingEnabled = false;
  const read = () => {
    context.drawImage(picture, 0, 0, copy.width, copy.height);
    return new Uint32Array(context.getImageData(0, 0, copy.width, copy.height).data.buffer);
  };
  return new Promise((resolve) => {
    const end = performance.now() + ms;
    let [before, frames, changed] = [read(), 0, 0];
    const look = (): void => {
      const now = read();
      let here = 0;
      for (let at = 0; at < now.length; at++) if (now[at] !== before[at]) here++;
      if (here > 0) frames++;
      changed += here;
      before = now;
      if (performance.now() < end) requestAnimationFrame(() => setTimeout(look));
      else resolve({ frames, changedBytes: changed * step * step * bytesAPixel });
    };
    requestAnimationFrame(() => setTimeout(look));
  });
}
