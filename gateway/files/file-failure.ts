import type { RemoteFileCode } from '../../protocol/channel/remote-files.ts';

/** Why something with a file of the machine was not done. The page is told the code. */
export class FileFailure extends Error {
  readonly code: RemoteFileCode;

  constructor(code: RemoteFileCode) {
    super(code);
    this.name = code;
    this.code = code;
  }
}
