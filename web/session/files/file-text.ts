const thisYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const anyYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** The day of a change: "3 Mar", with its year when it is another one. */
export function formatDay(ms: number): string {
  const day = new Date(ms);
  if (Number.isNaN(day.getTime())) return '';
  return (day.getFullYear() === new Date().getFullYear() ? thisYear : anyYear).format(day);
}

/** As `ls` writes it: "rw-r-----". */
export function modeText(mode: number): string {
  return [6, 3, 0]
    .map((shift) => (mode >> shift) & 7)
    .map((bits) => `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`)
    .join('');
}
