import type { DiagnosedLegView, MachineDiagnosis } from '../../api.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { DiagnosedLeg, type DiagnoseReply } from '../../../protocol/messages/gen/command_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { Detours } from './detours.ts';
import type { SessionTargets } from './session-target.ts';

export interface MachineDiagnosisParts {
  readonly targets: Pick<SessionTargets, 'find'>;
  readonly commands: Pick<GatewayCommands, 'diagnose'>;
  readonly detours: Pick<Detours, 'newKey' | 'prepare'>;
}

/** Asks the machine's gateway how far a session would come. Throws as starting one does. */
export async function diagnoseMachine(
  { targets, commands, detours }: MachineDiagnosisParts,
  recordUid: Uid,
): Promise<MachineDiagnosis> {
  const { gateway, seed, stated } = await targets.find(recordUid);
  wipe(seed);
  const { recordRevision, access } = stated;
  const key = await detours.newKey();
  const request = { recordRevision, ...(access && { access }), detourKey: key.publicKey };
  const { reply, commandUid, detourTicket } = await commands.diagnose(gateway, recordUid, request);
  // No session is there: the command stands for session and peer (protocol.md §12.10).
  const scope = { sessionUid: commandUid, peerUid: commandUid, gatewayUid: gateway.uid, attempt: 0 };
  const answer = { ticket: detourTicket, gatewayKey: reply.detourKey };
  return { legs: viewsOf(reply), detour: await detours.prepare(scope, key, answer) };
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
