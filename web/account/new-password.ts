import { limits } from '../../protocol/limits.ts';

/** What is wrong with a new password typed twice, or null. */
export function checkNewPassword(password: string, confirmed: string): string | null {
  if (password.length < limits.password.min) return `Use at least ${limits.password.min} characters.`;
  if (password.length > limits.password.max) return `Use at most ${limits.password.max} characters.`;
  return password === confirmed ? null : 'The two passwords differ.';
}
