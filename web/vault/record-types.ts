import { recordTemplates, type RecordTemplate } from '../../protocol/records/templates.ts';

/** The record types that a person makes by hand, in the order they are offered. */
export const listedTemplates: readonly RecordTemplate[] = recordTemplates.filter(
  ({ internal }) => internal !== true,
);
