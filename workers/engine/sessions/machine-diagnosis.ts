import type { DiagnosedLegView } from '../../api.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { DiagnosedLeg, type DiagnoseReply } from '../../../protocol/messages/gen/command_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { SessionTargets } from './session-target.ts';

export interface MachineDiagnosisParts {
  readonly targets: Pick<SessionTargets, 'find'>;
  readonly commands: Pick<GatewayCommands, 'diagnose'>;
}

/** Asks the machine's gateway how far a session would come. Throws as starting one does. */
export async function diagnoseMachine(
  { targets, commands }: MachineDiagnosisParts,
  recordUid: Uid,
): Promise<readonly DiagnosedLegView[]> {
  const { gateway, seed, stated } = await targets.find(recordUid);
  wipe(seed);
  const { recordRevision, access } = stated;
  const request = { recordRevision, ...(access && { access }) };
  return viewsOf(await commands.diagnose(gateway, recordUid, request));
}

/** A leg that this version does not know is left out. */
function viewsOf({ legs }: DiagnoseReply): readonly DiagnosedLegView[] {
  return legs.flatMap(({ leg, code, tookMs }) => {
    const name = names[leg];
    return name === undefined ? [] : [{ leg: name, code: code || null, tookMs }];
  });
}

const names: Readonly<Partial<Record<DiagnosedLeg, DiagnosedLegView['leg']>>> = {
  [DiagnosedLeg.GUACD]: 'guacd',
  [DiagnosedLeg.JUMP]: 'jump',
  [DiagnosedLeg.TARGET]: 'target',
};
