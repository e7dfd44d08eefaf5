import type { Setting } from './connection-protocols.ts';
import type { Choice } from './field-types.ts';

const kinds: readonly Choice[] = [
  { value: 'ON_DEMAND', title: 'On demand' },
  { value: 'RUN_ONCE', title: 'Once' },
  { value: 'DAILY', title: 'Every day' },
  { value: 'WEEKLY', title: 'Every week' },
  { value: 'MONTHLY_BY_DAY', title: 'Every month, on a date' },
  { value: 'MONTHLY_BY_WEEKDAY', title: 'Every month, on a day of the week' },
  { value: 'YEARLY', title: 'Every year' },
  { value: 'CRON', title: 'By a cron expression' },
];

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

function named(titles: readonly string[]): readonly Choice[] {
  return titles.map((title) => ({ value: title.toUpperCase(), title }));
}

const kind: Setting = { path: 'type', title: 'When', kind: 'choice', options: kinds };
const cron: Setting = {
  path: 'cron',
  title: 'Cron, six parts with the seconds first',
  kind: 'text',
  format: 'cron',
};
const zone: Setting = { path: 'tz', title: 'Time zone', kind: 'text', format: 'time-zone' };
const time: Setting = {
  path: 'time',
  title: 'Day and time, as 2026-12-31T04:00',
  kind: 'text',
  format: 'moment',
};
const utcTime: Setting = {
  path: 'utcTime',
  title: 'Time in UTC, as 15:44',
  kind: 'text',
  format: 'utc-time',
};
const weekday: Setting = {
  path: 'weekday',
  title: 'Day of the week',
  kind: 'choice',
  options: named(weekdays),
};
const month: Setting = { path: 'month', title: 'Month', kind: 'choice', options: named(months) };
const monthDay: Setting = {
  path: 'monthDay',
  title: 'Day of the month',
  kind: 'number',
  format: 'month-day',
};
const occurrence: Setting = {
  path: 'occurrence',
  title: 'Which one of the month',
  kind: 'choice',
  options: named(['First', 'Second', 'Third', 'Fourth', 'Last']),
};

function every(unit: string): Setting {
  return { path: 'intervalCount', title: `Every so many ${unit}`, kind: 'number', format: 'count' };
}

const further: Readonly<Record<string, readonly Setting[]>> = {
  RUN_ONCE: [time, zone],
  DAILY: [utcTime, every('days')],
  WEEKLY: [weekday, utcTime, every('weeks')],
  MONTHLY_BY_DAY: [monthDay, utcTime, every('months')],
  MONTHLY_BY_WEEKDAY: [occurrence, weekday, utcTime, every('months')],
  YEARLY: [month, monthDay, utcTime, every('years')],
  CRON: [cron, zone],
};

/** What a schedule of that kind says, its kind first. */
export function scheduleSettings(type: string): readonly Setting[] {
  return [kind, ...(Object.hasOwn(further, type) ? (further[type] ?? []) : [])];
}
