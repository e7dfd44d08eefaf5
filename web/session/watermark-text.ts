/** Who looks at which machine, and when: by this device's clock, to the minute. */
export function watermarkText(person: string, machine: string, at: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${person} · ${machine} · ${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
