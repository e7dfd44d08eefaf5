import type { ToolVerbs } from '../../api.ts';
import { oneTimeCode } from '../../tools/one-time-code.ts';
import { generatePassword } from '../../tools/password-generator.ts';
import { reportPasswords } from '../../tools/report.ts';
import type { EngineCore } from '../core.ts';
import { passwordHolders } from '../records/password-holders.ts';

const dayMs = 24 * 60 * 60_000;

/** Passwords and codes. */
export function toolVerbs(core: EngineCore): ToolVerbs {
  const { clock } = core.environment;
  let reporting = new AbortController();
  return {
    generatePassword: async (options) => generatePassword(options),
    readOneTimeCode: async (input) => oneTimeCode(await core.unlocked().records.reveal(input), clock.now()),
    reportPasswords: async ({ oldAfterDays }, onProgress) => {
      reporting.abort();
      reporting = new AbortController();
      const { signal } = reporting;
      const options = { nowMs: clock.now(), oldAfterMs: oldAfterDays * dayMs, signal };
      return await reportPasswords(
        passwordHolders(() => core.unlocked().book, onProgress),
        options,
      );
    },
    cancelReport: async () => reporting.abort(),
  };
}
