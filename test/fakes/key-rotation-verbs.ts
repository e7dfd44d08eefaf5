import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  KeyRotationPreview,
  KeyRotationProgress,
  KeyRotationRecipient,
  KeyRotationVerbs,
} from '../../workers/api.ts';

export interface FakeKeyRotation extends KeyRotationVerbs {
  /** Whom everything is sealed to from the next preview on. */
  sealTo(recipients: readonly KeyRotationRecipient[]): void;
  /** Resolves what is staged, or makes it fail. */
  readonly staging: { go(): void; fail(error: ProtocolError): void };
  readonly rotations: number;
}

/** Rotation in memory: it waits in the middle until the test lets it go on. */
export function createFakeKeyRotation(isPassword: (text: string) => boolean): FakeKeyRotation {
  let recipients: readonly KeyRotationRecipient[] = [];
  let shown: Uid | null = null;
  let rotations = 0;
  let gate = Promise.withResolvers<void>();
  const show = (): KeyRotationPreview => {
    shown = newUid();
    const blocked = recipients.some((one) => one.kind === 'person' && one.keys === 'changed');
    const own = { records: 42, folders: 2, passkeys: 1, shareLinks: 0 };
    return { previewUid: shown, recipients, blocked, own, written: 3 };
  };
  return {
    sealTo: (others) => (recipients = others),
    staging: { go: () => gate.resolve(), fail: (error) => gate.reject(error) },
    get rotations() {
      return rotations;
    },
    previewKeyRotation: async () => show(),
    rotateKeys: async ({ previewUid, password }, onProgress?: (progress: KeyRotationProgress) => void) => {
      if (!isPassword(password)) throw new ProtocolError('wrong-password', 'the master password is wrong');
      if (previewUid !== shown) throw new ProtocolError('conflict', 'look again');
      onProgress?.({ step: 'sealing', done: 10, of: 42 });
      try {
        await gate.promise;
      } finally {
        gate = Promise.withResolvers<void>();
      }
      rotations++;
      return { kind: 'done' };
    },
    cancelKeyRotation: async () => gate.reject(new ProtocolError('cancelled', 'the keys are as they were')),
  };
}
