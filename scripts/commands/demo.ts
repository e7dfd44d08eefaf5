import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { resetState } from '../demo/state.ts';
import type { Installation } from '../demo/installation.ts';
import { startInstallation } from '../demo/installation.ts';
import { runCommand, untilStopped } from '../process/command.ts';
import { root } from '../process/tool.ts';
import { providePackages } from '../setup/debian-packages.ts';
import { requireRoot } from '../setup/root.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    port: { type: 'string', default: '8443' },
    data: { type: 'string', default: join(root, 'var/demo') },
    reset: { type: 'boolean', default: false },
  },
});

await runCommand(async (scope) => {
  const { progress, signal } = scope;
  const folder = resolve(values.data);
  if (values.reset) resetState(folder);
  await providePackages('demo', progress.say);
  requireRoot('npm run demo', 'the demo makes a throw-away account for its sshd');
  const installation = await startInstallation(scope, { folder, port: portIn(values.port) });
  progress.say(`ready ${progress.seconds().toFixed(1)} s after the start; Ctrl-C stops everything`);
  announce(installation);
  const { server, gateway, sshd } = installation;
  await untilStopped(signal, [server, gateway, { name: 'sshd', exited: sshd.exited }]);
  return 0;
});

function portIn(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error(`--port must be 0 to 65535, not "${text}"`);
  return port;
}

function announce({ url, email, password }: Installation): void {
  if (values.json) return console.log(JSON.stringify({ url, email, password }));
  console.log(`
  address   ${url}
  e-mail    ${email}
  password  ${password}

  Sign in, choose "Demo machine", press Connect, type.
`);
}
