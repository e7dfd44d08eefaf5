import { provideWeb } from '../build/web.ts';
import { runCommand } from '../process/command.ts';

await runCommand(async (scope) => {
  await provideWeb(scope, process.argv.includes('--force'));
  scope.progress.say('dist/web is up to date');
  return 0;
});
