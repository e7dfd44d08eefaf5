import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldTypes } from '../../../../protocol/records/field-types.ts';
import { putBack, withhold } from '../../../../protocol/records/withholding.ts';
import { cardDigits, cardFits, groupedCard } from '../../../../web/vault/fields/card-number.ts';
import {
  draftFields,
  keptValues,
  withMember,
  withoutValue,
} from '../../../../web/vault/fields/field-draft.ts';
import { editorKindOf } from '../../../../web/vault/fields/field-kinds.ts';
import { hasProblem, memberProblem, textProblem } from '../../../../web/vault/fields/field-problems.ts';
import { fittingRules, startOptions, strengthWords } from '../../../../web/vault/fields/generator-options.ts';
import { runs } from '../../../fuzz-runs.ts';

describe('card numbers', () => {
  test.each([
    ['4242424242424242', '4242 4242 4242 4242'],
    ['378282246310005', '3782 822463 10005'],
    ['37828', '3782 8'],
    ['6304000000000000004', '6304 0000 0000 0000 004'],
    ['', ''],
  ])('%s is printed %s', (digits, printed) => {
    expect(groupedCard(digits)).toBe(printed);
    expect(cardDigits(printed)).toBe(digits);
  });

  test('one wrong digit never fits', () => {
    expect(cardFits('4242424242424242')).toBe(true);
    const wrong = fc.tuple(fc.nat(15), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(wrong, ([at, by]) => {
        const digits = [...'4242424242424242'];
        digits[at] = String((Number(digits[at]) + by) % 10);
        expect(cardFits(digits.join(''))).toBe(false);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('drafts', () => {
  const questions = ['a', 'b', 'c'].map((question) => ({ question, answer: `S3CRET-${question}` }));
  const record = {
    type: 'login',
    title: 't',
    fields: [],
    custom: [
      { type: 'securityQuestion', value: questions },
      { type: 'secret', label: 'x', value: ['S3CRET-x'] },
      { type: 'secret', label: 'x', value: ['S3CRET-x2'] },
    ],
  };
  const { content, withheld } = withhold(record);
  const drafts = draftFields(content, withheld, 'custom');

  test('moved and shortened in whatever way, no secret lands beside another question or name', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...drafts]), fc.array(fc.nat(2), { maxLength: 3 }), (order, gone) => {
        const edited = order.map((draft) =>
          draft.field.type === 'securityQuestion'
            ? gone.reduce((d, at) => withoutValue(d, at), draft)
            : draft,
        );
        const custom = edited.map(({ field }) => field);
        const saved = putBack({ ...content, custom }, keptValues(edited, 'custom'), record);
        saved.custom?.forEach((field, index) => {
          if (field.type === 'secret') expect(field).toEqual(record.custom[order[index]?.id ?? -1]);
          else for (const value of field.value) expect(questions).toContainEqual(value);
        });
      }),
      { numRuns: runs(100) },
    );
  });

  test('a part that was typed anew is no longer kept, the others are', () => {
    const [asked] = drafts;
    if (!asked) throw new Error('no draft');
    const edited = withMember(asked, 1, 'answer', 'new');
    expect(edited.kept.map(({ at }) => at)).toEqual([0, 2]);
    expect(edited.field.value[1]).toEqual({ question: 'b', answer: 'new' });
    expect(withMember(edited, 1, 'answer', '').field.value[1]).toEqual({ question: 'b' });
  });
});

describe('problems', () => {
  test.each([
    ['url', 'javascript:alert(1)'],
    ['url', 'example.org'],
    ['email', 'a@b c'],
    ['oneTimeCode', 'hello!'],
    ['json', '{'],
  ])('%s: %s', (type, text) => {
    expect(textProblem(type, text)).not.toBeNull();
    expect(hasProblem({ id: 0, field: { type, value: [text] }, kept: [] })).toBe(true);
  });

  test.each([
    ['host', 'port', '0'],
    ['host', 'port', '1e3'],
    ['pamHostname', 'hostName', 'a b'],
    ['paymentCard', 'cardExpirationDate', '13/2030'],
  ])('%s, %s: %s', (type, member, text) => {
    expect(memberProblem(type, member, text)).not.toBeNull();
    expect(hasProblem({ id: 0, field: { type, value: [{ [member]: text }] }, kept: [] })).toBe(true);
  });

  test('what is empty is none', () => {
    for (const { type } of fieldTypes) {
      expect(textProblem(type, '')).toBeNull();
      expect(hasProblem({ id: 0, field: { type, value: [] }, kept: [] })).toBe(false);
    }
  });
});

test('each type has an editor, or screens of its own', () => {
  const without = fieldTypes.filter(({ type }) => editorKindOf(type) === null);
  expect(without.every(({ internal }) => internal)).toBe(true);
  expect(editorKindOf('secret', { type: 'secret', title: 'Key', multiline: true })).toBe('secret-lines');
  expect(editorKindOf('dropdown', { type: 'dropdown', title: 'Wing', options: ['East'] })).toBe('choice');
});

test('rules of the generator stretch the length to what they ask for', () => {
  const rules = fittingRules({ ...startOptions.complexity, length: 9, caps: 20 });
  expect(rules.length).toBe(35);
  expect([49, 66, 99, 142.9].map(strengthWords)).toEqual([
    '49 bits, weak',
    '66 bits, fair',
    '99 bits, strong',
    '142 bits, very strong',
  ]);
});
