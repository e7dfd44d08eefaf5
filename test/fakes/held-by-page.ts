// What a page holds once everything is collected that nobody reaches: on the heap, beside it, in canvases and decoded pictures.
import { cdp } from 'vitest/browser';

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize: number;
  readonly backingStorageSize: number;
}
interface DevTools {
  send(method: 'HeapProfiler.collectGarbage'): Promise<unknown>;
  send(method: 'Runtime.getHeapUsage'): Promise<HeapUsage>;
}

/** Watches from its making on. Canvases and pictures are the browser's memory, of which its heap does not tell. */
export class HeldByPage {
  readonly #devTools = cdp() as unknown as DevTools;
  readonly #drawn: WeakRef<HTMLCanvasElement | ImageBitmap>[] = [];
  readonly #restore: () => void;
  most = 0;

  constructor() {
    const [create, decode] = [document.createElement.bind(document), window.createImageBitmap];
    document.createElement = (name: string, options?: ElementCreationOptions) => {
      const element = create(name, options);
      if (element instanceof HTMLCanvasElement) this.#drawn.push(new WeakRef(element));
      return element;
    };
    window.createImageBitmap = async (source: ImageBitmapSource) => {
      const bitmap = await decode(source);
      this.#drawn.push(new WeakRef(bitmap));
      return bitmap;
    };
    this.#restore = () => {
      document.createElement = create;
      window.createImageBitmap = decode;
    };
  }

  async bytes(): Promise<number> {
    await this.#devTools.send('HeapProfiler.collectGarbage');
    const heap = await this.#devTools.send('Runtime.getHeapUsage');
    let pixels = 0;
    for (const reference of this.#drawn) {
      const surface = reference.deref();
      if (surface !== undefined) pixels += surface.width * surface.height;
    }
    return heap.usedSize + heap.embedderHeapUsedSize + heap.backingStorageSize + 4 * pixels;
  }

  /** Looks again and again until that has settled. */
  async during(work: Promise<unknown>): Promise<void> {
    let over = false;
    const settled = work.finally(() => (over = true));
    while (!over) {
      this.most = Math.max(this.most, await this.bytes());
      await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    await settled;
  }

  close(): void {
    this.#restore();
  }
}
