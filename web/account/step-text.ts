import type { SignInStep } from '../../workers/api.ts';

/** Title and lead of a step of a sign-in. */
export function describeStep(step: SignInStep): { readonly title: string; readonly lead: string } {
  return step.kind === 'device-pending'
    ? { title: 'Approve this device', lead: 'This account asks before it lets a new device in.' }
    : { title: 'One more step', lead: 'This account has a second factor.' };
}
