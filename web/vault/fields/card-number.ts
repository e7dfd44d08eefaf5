/** Digits of what was typed or pasted, at most 19 (ISO/IEC 7812). */
export function cardDigits(text: string): string {
  return text.replace(/\D/g, '').slice(0, 19);
}

/** In the groups that are printed on the card. */
export function groupedCard(digits: string): string {
  const groups = /^3[47]/.test(digits) ? /^(\d{0,4})(\d{0,6})(\d*)$/ : /(\d{1,4})/g;
  const parts = groups.global ? (digits.match(groups) ?? []) : (groups.exec(digits)?.slice(1) ?? []);
  return parts.filter((part) => part !== '').join(' ');
}

/** Whether the last digit fits the others (Luhn): a number with one wrong digit never does. */
export function cardFits(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const doubled = Number(digit) * (place % 2 === 1 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return digits.length >= 12 && sum % 10 === 0;
}
