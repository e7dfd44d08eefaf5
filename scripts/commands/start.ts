import type { ListeningMessage } from '../../server/main.ts';
import { provideWeb } from '../build/web.ts';
import { runCommand, stopAtEnd, untilStopped } from '../process/command.ts';
import { runProgram } from '../process/program.ts';
import { startServerProcess } from '../process/server.ts';

const args = process.argv.slice(2);
const serves = !args.includes('--help') && (args[0] === undefined || args[0].startsWith('-'));

await runCommand(async (scope) => {
  if (!serves) return runProgram(scope, 'server/main.ts', args);
  await provideWeb(scope);
  const server = await scope.progress.step('starting the server', () => startServerProcess({ args }));
  stopAtEnd(scope, 'server', server.stop);
  announce(server);
  await untilStopped(scope.signal, [server]);
  return 0;
});

/** The link is for the person at this terminal: it is in no log and works once. */
function announce({ url, setupToken, selfSigned }: ListeningMessage): void {
  console.log(`\n  address  ${url}`);
  if (selfSigned !== null)
    console.log(
      `\n  Nobody vouches for its certificate. SHA-256:\n\n  ${selfSigned.fingerprint}\n  ${selfSigned.file}`,
    );
  if (setupToken !== null)
    console.log(
      `\n  Create the first administrator with this one-time link:\n\n  ${url}/#setup=${setupToken}`,
    );
  console.log('');
}
