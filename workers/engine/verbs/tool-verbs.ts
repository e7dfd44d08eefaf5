import type { ToolVerbs } from '../../api.ts';
import { oneTimeCode } from '../../tools/one-time-code.ts';
import { generatePassword } from '../../tools/password-generator.ts';
import type { EngineCore } from '../core.ts';

/** Passwords and codes. */
export function toolVerbs(core: EngineCore): ToolVerbs {
  return {
    generatePassword: async (options) => generatePassword(options),
    readOneTimeCode: async (input) =>
      oneTimeCode(await core.unlocked().records.reveal(input), core.environment.clock.now()),
  };
}
