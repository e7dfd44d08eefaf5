/** Files of one kind that went between page and machine. */
export interface MovedFiles {
  /** To the machine; otherwise from it. */
  readonly upload: boolean;
  readonly count: number;
  /** Bytes of all of them, as far as they went. */
  readonly size: number;
  /** All bytes went through. */
  readonly finished: boolean;
}

export type MovedFile = Omit<MovedFiles, 'count'>;

/** However many files go, no more than four reports a session in this time. */
const windowMs = 1_000;

/** Tells of files that went, those of one kind within a second together. No names: protocol.md §30.6. */
export class FileReports {
  readonly #send: (files: MovedFiles) => void;
  readonly #waiting = new Map<string, MovedFiles>();
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (files: MovedFiles) => void) {
    this.#send = send;
  }

  add({ upload, size, finished }: MovedFile): void {
    const key = `${upload} ${finished}`;
    const before = this.#waiting.get(key);
    const sum = { upload, finished, count: (before?.count ?? 0) + 1, size: (before?.size ?? 0) + size };
    this.#waiting.set(key, sum);
    this.#timer ??= setTimeout(() => this.flush(), windowMs);
  }

  /** Tells what waits, at once. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const files of waiting) this.#send(files);
  }
}
