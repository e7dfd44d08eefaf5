import { parseArgs } from 'node:util';
import type { LegReport } from '../diagnose/legs.ts';
import { diagnoseInstallation } from '../diagnose/operator-legs.ts';
import { trustSelfSigned } from '../diagnose/self-signed-trust.ts';
import { runCommand } from '../process/command.ts';
import { configuredGuacd } from '../process/guacd.ts';
import { readConfig } from '../../server/config.ts';

await runCommand(async ({ signal }) => {
  const { values } = parseArgs({
    options: { config: { type: 'string' }, 'self-signed': { type: 'boolean', default: false } },
  });
  const config = readConfig(process.env, values.config, { selfSigned: values['self-signed'] });
  if (config.tls === 'self-signed') trustSelfSigned(config.dataFolder);
  say({ leg: 'Settings', result: 'ok', note: 'are valid', next: '', tookMs: 0 });
  const guacd = configuredGuacd(process.env);
  return (await diagnoseInstallation({ config, guacd, signal, report: say })) > 0 ? 1 : 0;
});

function say({ leg, result, note, next, tookMs }: LegReport): void {
  const took = tookMs > 0 ? ` (${tookMs} ms)` : '';
  process.stdout.write(`${leg}: ${result}${took} – ${note}\n${next === '' ? '' : `    Next: ${next}\n`}`);
}
