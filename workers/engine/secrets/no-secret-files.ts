import { ProtocolError } from '../../../protocol/errors.ts';
import type { SecretFileWork } from './secret-file-work.ts';

/** Records go out without their attachments, and what applications add waits. */
export const noSecretFiles: SecretFileWork = {
  ensureSecretFiles: async ({ fileRefs }) => ({ links: [], leftOut: fileRefs.length }),
  takeOverFile: async () => {
    throw new ProtocolError('unavailable', 'files of applications are not taken over');
  },
};
