import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RecordContent, RecordField } from '../../../../protocol/records/content.ts';
import { emptyContent, recordTemplates } from '../../../../protocol/records/templates.ts';
import { FieldsPage } from './form.ts';

let page: FieldsPage | null = null;
afterEach(async () => {
  await page?.close();
  page = null;
});

function open(
  fields: readonly RecordField[],
  custom: readonly RecordField[] = [],
  strict = false,
): FieldsPage {
  page = new FieldsPage({ type: 'login', title: 'Wiki', fields, custom }, 'edit', strict);
  return page;
}

const login: RecordField = { type: 'login', value: ['ada'] };
const password: RecordField = { type: 'password', value: ['hunter2'] };
const card: RecordField = {
  type: 'paymentCard',
  value: [{ cardNumber: '4242424242424242', cardExpirationDate: '04/2030', cardSecurityCode: '123' }],
};

describe('editing', () => {
  test('what nobody touched is saved as it was, and no secret is on the page', () => {
    const form = open([login, password, card], [{ type: 'secret', label: 'Token', value: ['t0ken'] }]);
    expect(form.saved()).toMatchObject({ fields: [login, password, card], custom: [{ value: ['t0ken'] }] });
    const inputs = [...document.querySelectorAll('input')].map(({ value }) => value).join(' ');
    expect(inputs + form.text()).not.toMatch(/hunter2|4242|t0ken/);
    expect(form.input('Password').placeholder).toBe('Unchanged');
  });

  test('a typed text replaces the former one, an emptied one is gone', () => {
    const form = open([login, password, { type: 'url', value: ['https://a.example'] }]);
    form.type('Login', 'grace');
    form.type('Password', 'new one');
    form.type('Website', '');
    expect(form.saved().fields.map(({ value }) => value)).toEqual([['grace'], ['new one'], []]);
  });

  test('looking at a secret is no change, and editing what was seen is', async () => {
    const form = open([password]);
    form.press('Show password');
    await vi.waitFor(() => expect(form.input('Password').value).toBe('hunter2'));
    expect(form.saved().fields).toEqual([password]);
    form.type('Password', 'hunter23');
    expect(form.saved().fields[0]?.value).toEqual(['hunter23']);
  });

  test('a secret that cannot be fetched is said, and stays', async () => {
    const form = open([password]);
    form.fake.records.clear();
    form.press('Show password');
    await vi.waitFor(() => expect(form.text()).toContain('Password is not shown'));
    expect(form.saved().fields).toEqual([password]);
  });
});

describe('values of several parts', () => {
  test('one part is edited, the secret others stay', () => {
    const form = open([card]);
    form.type('Valid until', '05/2031');
    form.type('Security code', '999');
    expect(form.saved().fields[0]?.value).toEqual([
      { cardNumber: '4242424242424242', cardExpirationDate: '05/2031', cardSecurityCode: '999' },
    ]);
  });

  test('a card number is grouped as on the card, kept as digits, and a wrong digit is remarked', () => {
    const form = open([{ type: 'paymentCard', value: [] }]);
    form.type('Card number', '5555 5555-55554443');
    expect(form.text()).toContain('A digit seems to be wrong');
    form.type('Card number', '5555555555554444');
    expect(form.text()).not.toContain('A digit seems to be wrong');
    form.input('Card number').dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
    expect(form.saved().fields[0]?.value).toEqual([{ cardNumber: '5555555555554444' }]);
    form.type('Card number', '378282246310005');
    form.input('Card number').dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
    return vi.waitFor(() => expect(form.input('Card number').value).toBe('3782 822463 10005'));
  });

  test('of two questions one is taken away, and the other keeps its answer', () => {
    const questions = [
      { question: 'Pet?', answer: 'Rex' },
      { question: 'Town?', answer: 'Bath' },
    ];
    const form = open([{ type: 'securityQuestion', value: questions }]);
    form.press('Remove security question 1');
    expect(form.saved().fields[0]?.value).toEqual([questions[1]]);
    form.press('Another security question');
    form.type('Question', 'Town of birth?');
    expect(form.saved().fields[0]?.value).toEqual([{ question: 'Town of birth?', answer: 'Bath' }, {}]);
  });

  test('the other kind of an account is asked for when it is another', () => {
    const form = open([{ type: 'bankAccount', value: [{ accountType: 'Savings' }] }]);
    expect(form.text()).not.toContain('Other kind');
    form.type('Kind of account', 'Other');
    form.type('Other kind', 'Pension');
    expect(form.saved().fields[0]?.value).toEqual([{ accountType: 'Other', otherType: 'Pension' }]);
  });
});

describe('kinds of input', () => {
  test('a day, a tick and a choice', () => {
    const form = open([
      { type: 'expirationDate', value: [Date.UTC(2030, 3, 1)] },
      { type: 'checkbox', label: 'useSSL', value: [] },
      { type: 'databaseType', value: [] },
    ]);
    expect(form.input('Expires').value).toBe('2030-04-01');
    form.type('Expires', '2031-12-24');
    document.querySelector<HTMLElement>('[role="switch"]')?.click();
    form.type('Database', 'oracle');
    expect(form.saved().fields.map(({ value }) => value)).toEqual([
      [Date.UTC(2031, 11, 24)],
      [true],
      ['oracle'],
    ]);
    form.type('Expires', '');
    expect(form.saved().fields[0]?.value).toEqual([]);
  });

  test('a one-time code says what it understood, and what it did not', () => {
    const form = open([{ type: 'oneTimeCode', value: [] }]);
    form.type('One-time code', 'otpauth://totp/Wiki:ada?secret=JBSWY3DPEHPK3PXP&period=60');
    expect(form.text()).toContain('6 digits, new every 60 seconds · Wiki, ada');
    form.type('One-time code', 'otpauth://hotp/Wiki:ada?secret=JBSWY3DPEHPK3PXP&counter=1');
    expect(form.text()).toContain('Counted one-time codes are not supported');
  });

  test('what is wrong is said once the person tried to save', () => {
    const wrong: RecordField[] = [
      { type: 'url', value: ['javascript:alert(1)'] },
      { type: 'email', value: ['ada'] },
      { type: 'host', value: [{ hostName: 'a b', port: '70000' }] },
    ];
    expect(open(wrong).text()).not.toContain('Start it with');
    void page?.close();
    const text = open(wrong, [], true).text();
    for (const said of ['Start it with https://', 'not an email', 'No spaces here', '1 to 65535'])
      expect(text).toContain(said);
  });

  test.each(recordTemplates.filter(({ internal }) => !internal))(
    '$title opens empty, every input with a name',
    (template) => {
      const content: RecordContent = emptyContent(template);
      page = new FieldsPage(content, 'edit');
      expect(page.saved().fields).toEqual(content.fields);
      for (const input of document.querySelectorAll<HTMLInputElement>(
        'form input:not([type="file"]), form textarea, form select',
      )) {
        const named = input.labels?.[0]?.textContent ?? input.ariaLabel ?? '';
        expect(named.trim()).not.toBe('');
      }
    },
  );
});

test('a password is made in the worker and taken over', async () => {
  const form = open([password]);
  form.press('Generate');
  const output = () => document.querySelector('output')?.textContent ?? '';
  await vi.waitFor(() => expect(output()).toHaveLength(24));
  expect(form.text()).toMatch(/1\d\d bits, very strong/);
  document.querySelector<HTMLInputElement>('input[value="passphrase"]')?.click();
  await vi.waitFor(() => expect(output().split('-')).toHaveLength(6));
  const made = output();
  form.press('Use this');
  expect(form.saved().fields[0]?.value).toEqual([made]);
});
