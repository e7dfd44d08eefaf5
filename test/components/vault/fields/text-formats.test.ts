import { expect, test } from 'vitest';
import type { TextFormat } from '../../../../protocol/records/field-types.ts';
import { formatProblem } from '../../../../web/vault/fields/text-formats.ts';

const right: readonly (readonly [TextFormat, string])[] = [
  ['port', '1'],
  ['port', '65535'],
  ['count', '12'],
  ['month-day', '31'],
  ['utc-time', '23:59'],
  ['moment', '2026-12-31T04:00'],
  ['time-zone', 'Etc/UTC'],
  ['cron', '0 0 4 * * ?'],
  ['cron', '0 0/15 8-18 ? JAN,JUL MON-FRI'],
  ['cron', '0 0 0 L * ?'],
  ['cron', '0 0 0 15W * ?'],
  ['cron', '0 0 0 ? * 6#3'],
  ['networks', '10.0.0.0/24'],
  ['networks', '10.0.0.0/24, fd00::/64 192.0.2.7'],
  ['port-mapping', '2222=ssh\n\n 33060 = mysql '],
];
const wrong: readonly (readonly [TextFormat, string])[] = [
  ['port', '0'],
  ['port', '65536'],
  ['port', '1e3'],
  ['count', '0'],
  ['month-day', '32'],
  ['utc-time', '24:00'],
  ['utc-time', '4:00'],
  ['moment', '2026-13-01T04:00'],
  ['moment', 'tomorrow'],
  ['time-zone', 'Europe/Atlantis'],
  ['cron', '0 4 * * ?'],
  ['cron', '0 0 24 * * ?'],
  ['cron', '0 0 4 * * *'],
  ['cron', '0 0 4 ? * ?'],
  ['cron', '0 0 4 * * ?; reboot'],
  ['networks', '10.0.0.0/33'],
  ['networks', '10.0.0/24'],
  ['networks', '010.0.0.0/8'],
  ['networks', 'fd00::/129'],
  ['networks', 'fd00:::/64'],
  ['networks', 'intranet'],
  ['port-mapping', 'ssh=2222'],
  ['port-mapping', '2222=shh'],
  ['port-mapping', '0=ssh'],
  ['port-mapping', '2222=ssh=rdp'],
];

test.each(right)('%s: %j is right', (format, text) => expect(formatProblem(format, text)).toBeNull());
test.each(wrong)('%s: %j is none, and the problem says how it is written', (format, text) =>
  expect(formatProblem(format, text)).toMatch(/\.$|\?$/),
);
