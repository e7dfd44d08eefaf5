import type { Attachment } from 'svelte/attachments';
import { shownName } from '../../../protocol/records/shown-name.ts';
import { droppedFiles } from '../../files/dropped-files.ts';
import type { Session } from '../session.svelte.ts';
import { textOf } from './name-text.ts';

/** Files that are dragged onto a session: they are uploaded to the folder that its files show, else to the login's home. */
export class FileDrop {
  /** Drag events come for every child: the zone is left when as many were left as entered. */
  #entered = $state(0);
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get over(): boolean {
    return this.#entered > 0;
  }

  get words(): string {
    const { files } = this.#session;
    if (files === null || files.access === null) return 'Files cannot be uploaded to this session';
    if (!files.mayUpload) return 'The record does not allow uploads';
    const { path } = files.folder;
    return `Drop to upload to ${path === null ? 'your home folder' : shownName(textOf(path))}`;
  }

  readonly zone: Attachment<HTMLElement> = (element) => {
    const end = new AbortController();
    const { signal } = end;
    const listen = (kind: 'dragenter' | 'dragover' | 'dragleave' | 'drop', run: (event: DragEvent) => void) =>
      element.addEventListener(kind, (event) => hasFiles(event) && run(event), { signal });
    listen('dragenter', (event) => {
      event.preventDefault();
      this.#entered += 1;
    });
    listen('dragover', (event) => {
      event.preventDefault();
      const { files } = this.#session;
      if (event.dataTransfer) event.dataTransfer.dropEffect = files?.mayUpload === true ? 'copy' : 'none';
    });
    listen('dragleave', () => (this.#entered = Math.max(0, this.#entered - 1)));
    listen('drop', (event) => {
      event.preventDefault();
      this.#entered = 0;
      this.#take(event);
    });
    return () => end.abort();
  };

  #take(event: DragEvent): void {
    const { files } = this.#session;
    const { files: dropped, folders } = droppedFiles(event.dataTransfer);
    if (files?.mayUpload !== true) return;
    if (folders > 0) this.#session.remark = 'Folders are not uploaded: pack them into one file first.';
    if (dropped.length === 0) return;
    if (!files.shown) files.toggle();
    void files.upload(dropped);
  }
}

/** Only files: a dragged text is not for this zone. */
function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') === true;
}
