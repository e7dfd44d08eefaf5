import { flushSync } from 'svelte';
import { describe, expect, test, vi } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { RecordList } from '../../../web/vault/list/record-list.svelte.ts';
import { textAfter } from '../../../web/vault/list/text-after.ts';
import type { RecordSummary, RecordWindow, VaultVerbs } from '../../../workers/api.ts';

function field(value: string, start: number, end = start): HTMLInputElement {
  const input = document.createElement('input');
  input.value = value;
  input.setSelectionRange(start, end);
  return input;
}

const inserted = (data: string, more: Partial<InputEvent> = {}) =>
  ({ inputType: 'insertText', data, isComposing: false, ...more }) as InputEvent;
const deleted = { inputType: 'deleteContentBackward', data: null, isComposing: false } as InputEvent;

describe('what a field is about to hold', () => {
  test.each([
    ['a letter at the end', field('po', 2), inserted('r'), 'por'],
    ['a letter in the middle', field('pt', 1), inserted('or'), 'port'],
    ['a letter over a selection', field('port', 1, 3), inserted('a'), 'pat'],
    ['backspace', field('port', 4), deleted, 'por'],
    ['backspace over a selection', field('port', 0, 4), deleted, ''],
    ['backspace at the start', field('port', 0), deleted, 'port'],
    ['a word that is being composed', field('po', 2), inserted('あ', { isComposing: true }), null],
    ['a paste', field('po', 2), inserted('rt', { inputType: 'insertFromPaste' }), null],
  ])('%s', (_, input, event, expected) => {
    expect(textAfter(input, event)).toBe(expected);
  });
});

const rowOf = (title: string) => ({ uid: `uid of ${title}` as Uid, title }) as RecordSummary;

/** A list whose worker answers when it is told to: the title of the only row is what was looked for. */
function listWithWorker() {
  const asked: { query: string; answer: (failure?: Error) => Promise<void> }[] = [];
  const queryRecords: VaultVerbs['queryRecords'] = ({ filter }) =>
    new Promise<RecordWindow>((resolve, reject) => {
      const query = filter.query ?? '';
      asked.push({
        query,
        answer: async (failure) => {
          if (failure) reject(failure);
          else resolve({ total: 1, rows: [rowOf(query)], recordsVersion: 1 });
          await vi.waitFor(() => Promise.resolve());
          flushSync();
        },
      });
    });
  const list = new RecordList({ queryRecords } as VaultVerbs);
  const answer = async (query: string, failure?: Error) => {
    await vi.waitFor(() => expect(asked.at(-1)?.query).toBe(query));
    await asked.at(-1)?.answer(failure);
  };
  return { list, asked, answer };
}

describe('a search that is asked for before its letter is drawn', () => {
  test('is not asked for again when the letter is there', async () => {
    const { list, asked, answer } = listWithWorker();
    list.anticipate('p');
    list.query = 'p';
    list.refresh();
    await answer('p');
    expect(asked).toHaveLength(1);
    expect(list.row(0)?.title).toBe('p');
  });

  test('shows nothing that the field does not hold after all, and the next change asks again', async () => {
    const { list, asked, answer } = listWithWorker();
    list.refresh();
    await answer('');
    list.anticipate('p');
    await answer('p');
    expect(list.row(0)?.title).toBe('');
    list.query = 'p';
    list.refresh();
    await answer('p');
    expect(asked).toHaveLength(3);
    expect(list.row(0)?.title).toBe('p');
  });

  test('does not stand for what changes while it is on its way', async () => {
    const { list, asked, answer } = listWithWorker();
    list.anticipate('p');
    list.query = 'p';
    list.refresh();
    list.refresh(); // a record changed
    await answer('p');
    await answer('p');
    expect(asked).toHaveLength(2);
  });

  test('fails as any other, and is asked for again', async () => {
    const { list, asked, answer } = listWithWorker();
    list.anticipate('p');
    await answer('p', new Error('the worker is gone'));
    expect(list.failure).toBeInstanceOf(Error);
    list.query = 'p';
    list.refresh();
    await answer('p');
    expect(asked).toHaveLength(2);
    expect(list.failure).toBeNull();
    expect(list.row(0)?.title).toBe('p');
  });
});
