/** What can lie open over a session's picture; one at a time. */
export type PanelName = 'clipboard' | 'keys' | 'view';
