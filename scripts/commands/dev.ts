import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';
import { startGateway, startServer } from '../demo/parts.ts';
import type { Installation } from '../demo/installation.ts';
import type { InstallationOptions } from '../demo/parts.ts';
import { startInstallation } from '../demo/installation.ts';
import { onChanges } from '../dev/changes.ts';
import { runCommand, untilStopped } from '../process/command.ts';
import type { CommandScope } from '../process/command.ts';
import { root } from '../process/tool.ts';
import { providePackages } from '../setup/debian-packages.ts';
import { requireRoot } from '../setup/root.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '5173' },
    data: { type: 'string', default: join(root, 'var/dev') },
  },
});

await runCommand(async (scope) => {
  const { progress, signal } = scope;
  await providePackages('demo', progress.say);
  requireRoot('npm run dev', 'the demo makes a throw-away account for its sshd');
  const options = {
    folder: resolve(values.data),
    port: 8444,
    web: 'elsewhere',
    settings: { LOG_LEVEL: 'debug' },
  } as const;
  const installation = await startInstallation(scope, options);
  restartOnChanges(scope, options, installation);
  const url = await serveWeb(scope, installation.url);
  const { email, password } = installation;
  console.log(
    `\n  address   ${url}\n  e-mail    ${email}\n  password  ${password}\n  logs      ${options.folder}/logs\n`,
  );
  await untilStopped(signal, [{ name: 'sshd', exited: installation.sshd.exited }]);
  return 0;
});

/** The page with hot reload; what is not the page's goes on to the server. */
async function serveWeb({ parts }: CommandScope, server: string): Promise<string> {
  const vite = await createServer({
    configFile: join(root, 'vite.config.ts'),
    configLoader: 'native',
    server: { host: '127.0.0.1', port: Number(values.port), proxy: { '/api': { target: server, ws: true } } },
  });
  parts.defer(() => vite.close());
  await vite.listen();
  return vite.resolvedUrls?.local[0] ?? `http://127.0.0.1:${values.port}`;
}

/** A part that does not start any more says why and waits for the next change. */
function restartOnChanges(
  scope: CommandScope,
  options: InstallationOptions,
  installation: Installation,
): void {
  const { progress, signal } = scope;
  const running = { server: installation.server.stop, gateway: installation.gateway.stop };
  const starts = {
    server: () => startServer(scope, options, installation.server.port),
    gateway: () => startGateway(scope, options, installation.guacd),
  };
  for (const name of ['server', 'gateway'] as const) {
    const restart = async (): Promise<void> => {
      await running[name]();
      await progress
        .step(`restarting the ${name}`, async () => (running[name] = (await starts[name]()).stop))
        .catch((error: unknown) => progress.say(error instanceof Error ? error.message : String(error)));
    };
    onChanges([name, 'protocol'], restart, signal);
  }
}
