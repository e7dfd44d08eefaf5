/** The address of an invitation: what is after `#` is not sent to any server. */
export function invitationLinkOf(fragment: string): string {
  return `${location.origin}/#invitation=${fragment}`;
}

/** The secret of an invitation link. It leaves the address bar, and with it the history, before anything else happens. */
export function takeInvitation(): string | null {
  const fragment = /^#invitation=([\w-]{107})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash.startsWith('#invitation=')) history.replaceState(null, '', location.pathname);
  return fragment;
}
