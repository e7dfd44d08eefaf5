import type { KeyRotationVerbs } from '../../api/key-rotation.ts';
import type { EngineCore } from '../core.ts';

/** New keys for the unlocked account. */
export function keyRotationVerbs(core: EngineCore): KeyRotationVerbs {
  return {
    previewKeyRotation: async () => await core.unlocked().keyRotation.preview(),
    rotateKeys: (input, onProgress = () => undefined) =>
      core.inTurn(() => core.signIn.rotateKeys(input, onProgress)),
    cancelKeyRotation: async () => core.unlocked().keyRotation.cancel(),
  };
}
