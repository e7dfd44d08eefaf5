import type { VaultVerbs } from '../api.ts';
import { EngineCore } from './core.ts';
import type { Environment } from './environment.ts';
import { accountVerbs } from './verbs/account-verbs.ts';
import { applicationVerbs } from './verbs/application-verbs.ts';
import { deviceVerbs } from './verbs/device-verbs.ts';
import { exchangeVerbs } from './verbs/exchange-verbs.ts';
import { factorVerbs } from './verbs/factor-verbs.ts';
import { fileVerbs } from './verbs/file-verbs.ts';
import { gatewayVerbs } from './verbs/gateway-verbs.ts';
import { keyRotationVerbs } from './verbs/key-rotation-verbs.ts';
import { organisationVerbs } from './verbs/organisation-verbs.ts';
import { organisingVerbs } from './verbs/organising-verbs.ts';
import { oversightVerbs } from './verbs/oversight-verbs.ts';
import { recordVerbs } from './verbs/record-verbs.ts';
import { recordingVerbs } from './verbs/recording-verbs.ts';
import { recoveryVerbs } from './verbs/recovery-verbs.ts';
import { sessionLogVerbs } from './verbs/session-log-verbs.ts';
import { sessionShareVerbs } from './verbs/session-share-verbs.ts';
import { sessionVerbs } from './verbs/session-verbs.ts';
import { sharingVerbs } from './verbs/sharing-verbs.ts';
import { shareLinkVerbs } from './verbs/share-link-verbs.ts';
import { signInVerbs } from './verbs/sign-in-verbs.ts';
import { toolVerbs } from './verbs/tool-verbs.ts';

/** The vault verbs, and how to stop. */
export type VaultEngine = VaultVerbs & { close(): Promise<void> };

/** An engine over the storage and transport that it is given. The page's worker has one, every script its own. */
export function createVaultEngine(environment: Environment): VaultEngine {
  const core = new EngineCore(environment);
  return {
    ...accountVerbs(core),
    ...signInVerbs(core),
    ...keyRotationVerbs(core),
    ...factorVerbs(core),
    ...deviceVerbs(core),
    ...recordVerbs(core),
    ...organisingVerbs(core),
    ...organisationVerbs(core),
    ...recoveryVerbs(core),
    ...gatewayVerbs(core),
    ...applicationVerbs(core),
    ...fileVerbs(core),
    ...sessionVerbs(core),
    ...sessionShareVerbs(core),
    ...oversightVerbs(core),
    ...sessionLogVerbs(core),
    ...recordingVerbs(core),
    ...sharingVerbs(core),
    ...shareLinkVerbs(core),
    ...toolVerbs(core),
    ...exchangeVerbs(core),
    close: () => core.close(),
  };
}
