import { flushSync } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RecordField } from '../../../../protocol/records/content.ts';
import { FieldsPage } from './form.ts';

let page: FieldsPage | null = null;
afterEach(async () => {
  await page?.close();
  page = null;
});

const pin: RecordField = { type: 'pinCode', label: 'Door', value: ['1234'] };
const floor: RecordField = { type: 'text', label: 'Floor', value: ['3'] };
const key: RecordField = { type: 'pinCode', label: 'Safe', value: ['9876'] };

function open(...custom: readonly RecordField[]): FieldsPage {
  page = new FieldsPage({ type: 'login', title: 'House', fields: [], custom }, 'edit');
  return page;
}

describe('a person’s own fields', () => {
  test('are added with a name and a kind', () => {
    const form = open(floor);
    form.press('Add a field');
    form.type('Field name', 'Wing');
    form.type('Kind', 'secret');
    form.press('Add');
    form.type('Secret', 'East');
    expect(form.saved().custom).toEqual([floor, { type: 'secret', label: 'Wing', value: ['East'] }]);
  });

  test('without a name have that of their kind', () => {
    const form = open();
    form.press('Add a field');
    form.key('Field name', { key: 'Enter' });
    expect(form.saved().custom).toEqual([{ type: 'text', label: 'Text', value: [] }]);
  });

  test('are renamed, and a secret one keeps its value', () => {
    const form = open(pin);
    form.type('Name of field 1', 'Front door');
    expect(form.saved().custom).toEqual([{ ...pin, label: 'Front door' }]);
  });

  test('are moved by buttons and by keys, and each secret goes with its own', async () => {
    const form = open(pin, floor, key);
    form.press('Move Safe up');
    expect(form.saved().custom).toEqual([pin, key, floor]);
    form.key('Name of field 1', { key: 'ArrowDown', altKey: true });
    expect(form.saved().custom).toEqual([key, pin, floor]);
    await vi.waitFor(() => expect(form.text()).toContain('Door is now 2 of 3'));
    await vi.waitFor(() => expect((document.activeElement as HTMLInputElement).value).toBe('Door'));
    expect(form.button('Move Safe up').disabled).toBe(true);
    form.key('Name of field 3', { key: 'ArrowDown', altKey: true });
    form.key('Name of field 1', { key: 'ArrowDown' });
    expect(form.saved().custom).toEqual([key, pin, floor]);
  });

  test('are removed, and brought back where they were with what they held', async () => {
    const form = open(pin, floor, key);
    form.press('Remove Door');
    expect(form.saved().custom).toEqual([floor, key]);
    await vi.waitFor(() => expect((document.activeElement as HTMLInputElement).value).toBe('Floor'));
    form.type('Text', '4');
    form.press('Undo');
    flushSync();
    expect(form.saved().custom).toEqual([pin, { ...floor, value: ['4'] }, key]);
  });
});
