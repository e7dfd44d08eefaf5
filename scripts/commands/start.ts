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
  announce(server.url, server.setupToken);
  await untilStopped(scope.signal, [server]);
  return 0;
});

/** The link is for the person at this terminal: it is in no log and works once. */
function announce(url: string, setupToken: string | null): void {
  console.log(`\n  address  ${url}`);
  if (setupToken !== null)
    console.log(
      `\n  Create the first administrator with this one-time link:\n\n  ${url}/#setup=${setupToken}`,
    );
  console.log('');
}
