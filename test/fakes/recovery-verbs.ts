import { ProtocolError } from '../../protocol/errors.ts';
import { newUid } from '../../protocol/uid.ts';
import type {
  RecoveryRequestEntry,
  RecoveryVerbs,
  RecoveryView,
  VaultState,
  WordGaps,
} from '../../workers/api.ts';

/** Of every key in these tests. */
export const recoveryWords = ['abandon', 'ability', 'able', 'about', 'above', 'absent', 'absorb', 'abstract'];
const left = [1, 4, 6];
const gaps: WordGaps = recoveryWords.map((word, at) => (left.includes(at) ? null : word));
/** What the other person reads. */
export const heardWords = left.map((at) => recoveryWords[at] ?? '');

/** Recovery in memory: its own account administers the organisation, and one request waits once it is set up. */
export function createFakeRecovery(set: (change: Partial<VaultState>) => void): RecoveryVerbs {
  let view: RecoveryView = { administrator: true, available: false, words: null, enrolment: 'none' };
  let requests: RecoveryRequestEntry[] = [];
  let version = 100;
  const require = (words: readonly string[]) => {
    if (words.join(' ') !== heardWords.join(' ')) throw new ProtocolError('untrusted');
  };
  const changed = () => set({ accountVersion: ++version });
  return {
    readRecovery: async () => view,
    setUpRecovery: async () => {
      const enrolment = view.enrolment === 'enrolled' ? 'ended' : view.enrolment;
      view = { ...view, available: true, words: recoveryWords, enrolment };
      const [requestedAt, expiresAt] = [Date.now(), Date.now() + 86_400_000];
      const device = { deviceName: 'Firefox on Windows', network: '192.0.2.9' };
      requests = [{ uid: newUid(), email: 'grace@example.test', ...device, requestedAt, expiresAt, gaps }];
      changed();
    },
    switchOffRecovery: async () => {
      view = { ...view, available: false, words: null };
      changed();
    },
    askRecoveryWords: async () => gaps,
    enrolRecovery: async ({ words }) => {
      require(words);
      view = { ...view, enrolment: 'enrolled' };
    },
    withdrawRecovery: async () => {
      view = { ...view, enrolment: 'none' };
    },
    listRecoveryRequests: async () => requests,
    approveRecovery: async ({ requestUid, words }) => {
      require(words);
      requests = requests.filter(({ uid }) => uid !== requestUid);
    },
    refuseRecovery: async (requestUid) => {
      requests = requests.filter(({ uid }) => uid !== requestUid);
    },
    requestRecovery: async () => ({ words: recoveryWords, expiresAt: Date.now() + 86_400_000 }),
    awaitRecovery: async () => gaps,
    finishRecovery: async ({ words }) => {
      require(words);
      set({ phase: 'unlocked', email: 'grace@example.test' });
      return { kind: 'done' };
    },
    cancelRecovery: async () => {},
  };
}
