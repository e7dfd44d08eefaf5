import type { FieldValue, RecordContent, RecordField } from '../../protocol/records/content.ts';
import { isSecretField, secretMembersOf } from '../../protocol/records/field-types.ts';
import { isEmptyValue, lineOf } from '../../protocol/records/field-values.ts';
import { fieldTitle, templateOf, type RecordTemplate } from '../../protocol/records/templates.ts';
import { memberOf, type FieldPath } from '../../protocol/records/withholding.ts';

/** One thing that two versions of a record do not have in common. No part of a secret is in it. */
export interface FieldDifference {
  readonly part: 'type' | 'title' | 'notes' | 'field';
  /** Where the field is: in the newer version, or in the older one when it was removed. Null for other parts. */
  readonly path: FieldPath | null;
  readonly title: string;
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  /** Whether a secret is among what was added, removed or changed. */
  readonly secret: boolean;
  /** What it was and what it is, of what is not secret; left out when there is nothing to show. */
  readonly before?: string;
  readonly after?: string;
}

interface Placed {
  readonly path: FieldPath;
  readonly field: RecordField;
}

/** What changed from one version to another: type, title and notes, then fields in the order of the newer version. */
export function compareContents(
  before: RecordContent,
  after: RecordContent,
  custom: readonly RecordTemplate[] = [],
): readonly FieldDifference[] {
  const titles = (content: RecordContent) => {
    const template = templateOf(content.type, custom);
    return (field: RecordField) => fieldTitle(template, field);
  };
  return [
    ...compareText('type', 'Type', before.type, after.type),
    ...compareText('title', 'Title', before.title, after.title),
    ...compareText('notes', 'Notes', before.notes ?? '', after.notes ?? ''),
    ...compareFields(placedFields(before), placedFields(after), titles(before), titles(after)),
  ];
}

function compareText(
  part: 'type' | 'title' | 'notes',
  title: string,
  before: string,
  after: string,
): FieldDifference[] {
  if (before === after) return [];
  const kind = before === '' ? 'added' : after === '' ? 'removed' : 'changed';
  return [{ part, path: null, title, kind, secret: false, ...shown(before, after) }];
}

function compareFields(
  before: ReadonlyMap<string, Placed>,
  after: ReadonlyMap<string, Placed>,
  titleBefore: (field: RecordField) => string,
  titleAfter: (field: RecordField) => string,
): FieldDifference[] {
  const moved = movedNames(before, after);
  const there = [...after].flatMap(([name, now]) => {
    const then = before.get(name) ?? null;
    const kind = then === null ? 'added' : sameValue(then, now) ? 'moved' : 'changed';
    return kind === 'moved' && !moved.has(name) ? [] : [difference(kind, then, now, titleAfter)];
  });
  const gone = [...before].filter(([name]) => !after.has(name));
  return [...there, ...gone.map(([, then]) => difference('removed', then, null, titleBefore))];
}

function difference(
  kind: FieldDifference['kind'],
  then: Placed | null,
  now: Placed | null,
  titleOf: (field: RecordField) => string,
): FieldDifference {
  const placed = now ?? then;
  const base = {
    part: 'field',
    path: placed?.path ?? null,
    title: placed ? titleOf(placed.field) : '',
    kind,
  } as const;
  if (kind === 'moved') return { ...base, secret: false };
  const secret = secretText(then) !== secretText(now);
  return { ...base, secret, ...shown(openText(then), openText(now)) };
}

function shown(before: string, after: string): Pick<FieldDifference, 'before' | 'after'> {
  if (before === after) return {};
  return { ...(before === '' ? {} : { before }), ...(after === '' ? {} : { after }) };
}

/** Filled fields by type, label and which of those it is: what makes two fields of two versions the same one. */
function placedFields(content: RecordContent): ReadonlyMap<string, Placed> {
  const counts = new Map<string, number>();
  const placed = new Map<string, Placed>();
  for (const group of ['fields', 'custom'] as const) {
    (content[group] ?? []).forEach((field, index) => {
      if (field.value.every(isEmptyValue)) return;
      const name = JSON.stringify([field.type, field.label ?? null]);
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      placed.set(`${name} ${count}`, { path: { group, index }, field });
    });
  }
  return placed;
}

function sameValue(a: Placed, b: Placed): boolean {
  return openText(a) === openText(b) && secretText(a) === secretText(b) && allText(a) === allText(b);
}

function allText({ field }: Placed): string {
  return JSON.stringify(field.value.map(inOrder));
}

function openText(placed: Placed | null): string {
  return placed === null
    ? ''
    : placed.field.value.map((value) => lineOf(placed.field.type, value)).join('\n');
}

function secretText(placed: Placed | null): string {
  if (placed === null) return '';
  const { type, value } = placed.field;
  if (isSecretField(placed.field)) return allText(placed);
  const members = secretMembersOf(type);
  const parts = value.map((one) => members.map((name) => memberOf(one, name) ?? ''));
  return parts.some((part) => part.some((text) => text !== '')) ? JSON.stringify(parts) : '';
}

/** Members in one order, so that another writer's order is no change. */
function inOrder(value: FieldValue): unknown {
  return typeof value === 'object' ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value;
}

/** Fields of both versions that changed group, or their order: all but a longest run that kept it. */
function movedNames(
  before: ReadonlyMap<string, Placed>,
  after: ReadonlyMap<string, Placed>,
): ReadonlySet<string> {
  const order = new Map([...before.keys()].map((name, at) => [name, at]));
  const common = [...after.keys()].filter((name) => order.has(name));
  const kept = longestRising(common.map((name) => order.get(name) ?? 0));
  const sameGroup = (name: string) => before.get(name)?.path.group === after.get(name)?.path.group;
  return new Set(common.filter((name) => !sameGroup(name) || !kept.has(order.get(name) ?? 0)));
}

/** The numbers of a longest rising subsequence; all numbers differ. */
function longestRising(numbers: readonly number[]): ReadonlySet<number> {
  const ends: number[] = []; // ends[k]: the smallest end of a rising run of k + 1 numbers so far
  const former = new Map<number, number | undefined>();
  for (const number of numbers) {
    const over = ends.findIndex((end) => end > number);
    const at = over < 0 ? ends.length : over;
    former.set(number, ends[at - 1]);
    ends[at] = number;
  }
  const run = new Set<number>();
  for (let number = ends.at(-1); number !== undefined; number = former.get(number)) run.add(number);
  return run;
}
