/** What a page is called, in the window's title; vault and sessions are called by what they show. */
export const pageTitles = {
  new: 'New record',
  gateways: 'Gateways',
  applications: 'Applications',
  live: 'Live sessions',
  recordings: 'Recordings',
  recording: 'Recording',
  'recording-search': 'Search in recordings',
  'recording-keeping': 'Keeping recordings',
  events: 'Session events',
  people: 'People',
  health: 'Password health',
  transfer: 'Import and export',
  settings: 'Settings',
} as const;
