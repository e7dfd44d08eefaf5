import type { GuacdPlace } from '../../gateway/guacd/lease.ts';
import { runCommand, stopAtEnd, untilStopped } from '../process/command.ts';
import type { CommandScope } from '../process/command.ts';
import { configuredGuacd, guacdFolder } from '../process/guacd.ts';
import { guacdEnvironment } from '../process/gateway.ts';
import { startGuacdPool } from '../process/guacd-pool.ts';
import { startOwnedChild } from '../process/owned-child.ts';
import { runProgram } from '../process/program.ts';
import { root } from '../process/tool.ts';

const args = process.argv.slice(2);
const runs = !args.includes('--help') && (args[0] === undefined || args[0].startsWith('-'));
/** Named on the command line: the gateway reads it from there. */
const ownGuacd = args.some((arg) => arg.startsWith('--guacd-host')) || Boolean(process.env['GUACD_POOL']);

await runCommand(async (scope) => {
  if (!runs) return runProgram(scope, 'gateway/main.ts', args);
  const guacd = ownGuacd ? null : (configuredGuacd(process.env) ?? (await startProxy(scope)));
  const gateway = await startOwnedChild({
    name: 'gateway',
    command: [process.execPath, 'gateway/main.ts', ...args],
    folder: root,
    environment: { ...process.env, ...(guacd && guacdEnvironment(guacd)) },
    stdout: 'inherit',
  });
  stopAtEnd(scope, 'gateway', gateway.stop);
  await untilStopped(scope.signal, [gateway]);
  return 0;
});

async function startProxy(scope: CommandScope): Promise<GuacdPlace> {
  const { progress, signal } = scope;
  const pool = await startGuacdPool({ folder: guacdFolder, log: progress.say, signal, line: console.error });
  stopAtEnd(scope, 'guacd', pool.stop);
  return pool.place;
}
