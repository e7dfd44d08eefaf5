import type { ExportFormat } from '../../workers/api.ts';

interface Offer {
  readonly format: ExportFormat;
  readonly title: string;
  readonly text: string;
  readonly extension: string;
  /** Readable by everybody who gets it. */
  readonly clear: boolean;
}

export const exportFormats: readonly [Offer, ...Offer[]] = [
  {
    format: 'sealed',
    title: 'Encrypted',
    text: 'With attachments, under a password of its own. For backups, and for moving to another installation.',
    extension: 'sallyport',
    clear: false,
  },
  {
    format: 'zip',
    title: 'Zip, in clear',
    text: 'Everything with attachments, readable by everybody who gets it.',
    extension: 'zip',
    clear: true,
  },
  {
    format: 'json',
    title: 'JSON, in clear',
    text: 'All fields of all records, without attachments.',
    extension: 'json',
    clear: true,
  },
  {
    format: 'csv',
    title: 'CSV, in clear',
    text: 'For spreadsheets and other programs. Fields they do not know go into one column.',
    extension: 'csv',
    clear: true,
  },
];
