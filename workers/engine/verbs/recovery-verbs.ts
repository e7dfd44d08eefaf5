import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecoveryVerbs } from '../../api/recovery.ts';
import type { EngineCore } from '../core.ts';
import { normaliseEmail, requirePassword } from '../sign-in/credentials.ts';
import { RecoveryRequest } from '../recovery/recovery-request.ts';

/** Recovery by the organisation: in the unlocked vault, and before sign-in. */
export function recoveryVerbs(core: EngineCore): RecoveryVerbs {
  const desk = () => core.unlocked().organisation;
  let request: RecoveryRequest | null = null;
  const going = () => {
    if (request === null) throw new ProtocolError('expired', 'no request is under way');
    return request;
  };
  const cancel = async () => {
    const former = request;
    request = null;
    await former?.cancel();
  };
  return {
    readRecovery: async () => {
      const { book, recovery, enrolment } = desk();
      return {
        administrator: book.membership === 'administrator',
        available: book.roster.recoveryPublicKey.length > 0,
        words: recovery.words,
        enrolment: await enrolment.state(),
      };
    },
    setUpRecovery: async () => await desk().recovery.setUp(),
    switchOffRecovery: async () => await desk().recovery.switchOff(),
    askRecoveryWords: async () => await desk().enrolment.ask(),
    enrolRecovery: async ({ words }) => await desk().enrolment.enrol(words, core.signIn.fresh.require()),
    withdrawRecovery: async () => await desk().enrolment.withdraw(),
    listRecoveryRequests: async () => await desk().recovery.list(),
    approveRecovery: async ({ requestUid, words, resetSecondFactors }) =>
      await desk().recovery.approve(requestUid, words, resetSecondFactors),
    refuseRecovery: async (requestUid) => await desk().recovery.refuse(requestUid),
    requestRecovery: async ({ email }) => {
      await cancel();
      const made = new RecoveryRequest(core.api, core.environment, normaliseEmail(email));
      const expiresAt = await made.send();
      request = made;
      return { words: made.words, expiresAt };
    },
    awaitRecovery: async () => await going().untilReleased(),
    finishRecovery: ({ words, newPassword }) =>
      core.inTurn(async () => {
        const made = going();
        const password = requirePassword(newPassword);
        await made.renew(words, password, core.accounts.draftedPhrase());
        request = null;
        core.accounts.discardRecoveryPhrase();
        return await core.signIn.signIn({ email: made.email, password });
      }),
    cancelRecovery: cancel,
  };
}
