import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../../../protocol/bytes.ts';
import { readCsv, sniffCsv } from '../../../../workers/exchange/csv-reader.ts';
import { csvRows, detectDelimiter } from '../../../../workers/exchange/csv-rows.ts';
import { guardFormula, parseFormulaGuard } from '../../../../workers/exchange/csv-formula.ts';
import { runs } from '../../../fuzz-runs.ts';
import { recordOf, valuesOf } from './samples.ts';

const rows = (text: string) => [...csvRows(text, ',')];

describe('rows', () => {
  test.each([
    [
      'a,b\r\nc,d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a,\r', [['a', '']]],
    ['"a, ""b""\r\nc",d', [['a, "b"\r\nc', 'd']]],
    ['\n\na\n\n', [['a']]],
    ['""', []],
    ['"",', [['', '']]],
    ['a\nb"c', [['a'], ['b"c']]],
  ])('%j', (text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  test.each([
    ['a,"b', 'row 1 has a quoted value without an end'],
    ['"a"b', 'row 1 has text behind a quoted value'],
  ])('%j is refused', (text, message) => {
    expect(() => rows(text)).toThrow(expect.objectContaining({ code: 'malformed', message }));
  });

  test('a million columns are refused at the thousandth', () => {
    expect(() => rows(','.repeat(1_000_000))).toThrow('row 1 has more than 1000 values');
  });

  test.each([
    ['a;b;c\n1,2;3;4', ';'],
    ['a\tb', '\t'],
    ['a|"b;;;;"', '|'],
    ['alone', ','],
    ['sep=;\r\na,b,c;d', ';'],
  ])('the delimiter of %j is %j', (text, delimiter) => {
    expect(detectDelimiter(text)).toBe(delimiter);
  });
});

describe('a browser export', () => {
  const chrome = utf8('\ufeffname,url,username,password,note\r\nShop,https://shop.example,ann,"p,""w",\r\n');

  test('is mapped by its header, and the preview shows no secret', () => {
    const { headers, mapping, samples } = sniffCsv(chrome);
    expect(headers).toEqual(['name', 'url', 'username', 'password', 'note']);
    expect(mapping.columns.map(({ kind }) => kind)).toEqual(['title', 'url', 'login', 'password', 'notes']);
    expect(samples).toEqual([['Shop', 'https://shop.example', 'ann', '••••••', '']]);
  });

  test('is read', () => {
    const vault = readCsv(chrome);
    expect(valuesOf(recordOf(vault, 'Shop').content)).toEqual({
      login: 'ann',
      password: 'p,"w',
      url: 'https://shop.example',
    });
    expect(vault.left).toEqual([]);
  });

  test('columns that only machines read are reported', () => {
    const firefox =
      '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated"\n"https://a.example","b","c","","","{1}","5"\n';
    const vault = readCsv(utf8(firefox));
    expect(recordOf(vault, 'https://a.example').content.custom).toBeUndefined();
    expect(vault.left.map(({ what }) => what)).toContain('column "guid"');
  });

  test('utf-16 with its mark is read, bytes that are no text are refused', () => {
    const text = 'name,password\r\nÄ,b\r\n';
    const utf16 = new Uint8Array(
      new Uint16Array([0xfeff, ...[...text].map((char) => char.charCodeAt(0))]).buffer,
    );
    expect(recordOf(readCsv(utf16), 'Ä').content.title).toBe('Ä');
    expect(() => readCsv(concat(utf8('name,password\n'), Uint8Array.of(0xe4, 0)))).toThrow('not a text');
  });

  test('the code page of Western spreadsheets is read, and the report says so', () => {
    const vault = readCsv(concat(utf8('name,password\n'), Uint8Array.of(0x80, 0xc4, 0x2c, 0x62)));
    expect(valuesOf(recordOf(vault, '€Ä').content)).toEqual({ password: 'b' });
    expect(vault.left.map(({ what }) => what)).toEqual(['the encoding']);
  });

  test('the line in which a spreadsheet names its delimiter is no header', () => {
    const vault = readCsv(utf8('sep=;\r\nname;password\r\nA;b\r\n'));
    expect(valuesOf(recordOf(vault, 'A').content)).toEqual({ password: 'b' });
  });

  test('a row may lack cells at its end and have empty ones beyond it; full ones are reported', () => {
    const vault = readCsv(utf8('name,login,password\nA,a\nB,b,c,,\nC,c,d,e\n'));
    expect(vault.records.map(({ content }) => valuesOf(content))).toEqual([
      { login: 'a' },
      { login: 'b', password: 'c' },
      { login: 'c', password: 'd' },
    ]);
    expect(vault.left.map(({ what }) => what)).toEqual(['the end of row 4']);
  });

  test('several addresses in one cell are several websites', () => {
    const vault = readCsv(utf8('name,login_uri\nA,"https://a.example/?q=1,2,https://b.example"\n'));
    expect(recordOf(vault, 'A').content.fields.find(({ type }) => type === 'url')?.value).toEqual([
      'https://a.example/?q=1,2',
    ]);
    expect(valuesOf(recordOf(vault, 'A').content)).toMatchObject({ 'url:Website': 'https://b.example' });
  });

  test('a mapping of a person wins; hidden columns become secrets', () => {
    const vault = readCsv(utf8('what;who;word;extra\nSite;me;pw;blue\n'), {
      delimiter: ';',
      flavour: 'plain',
      columns: [
        { kind: 'title' },
        { kind: 'login' },
        { kind: 'password' },
        { kind: 'custom', label: 'Colour', secret: true },
      ],
    });
    expect(valuesOf(recordOf(vault, 'Site').content)).toEqual({
      login: 'me',
      password: 'pw',
      'secret:Colour': 'blue',
    });
  });

  test('a mapping for another number of columns is refused', () => {
    expect(() => readCsv(utf8('a,b\n1,2\n'), { delimiter: ',', flavour: 'plain', columns: [] })).toThrow(
      'the mapping names 0 columns',
    );
  });

  test('folders, tags, favourites, one-time codes and notes alone', () => {
    const vault = readCsv(
      utf8(
        'folder,favorite,name,notes,login_uri,login_username,login_password,login_totp,tags\nWork/Mail,1,A,,,u,p,JBSWY3DPEHPK3PXP,"x,y"\n,,B,only text,,,,,\n',
      ),
    );
    const one = recordOf(vault, 'A');
    expect([one.folder, one.favourite, one.tags]).toEqual([['Work', 'Mail'], true, ['x', 'y']]);
    expect(valuesOf(one.content)['oneTimeCode']).toBe('otpauth://totp/A?secret=JBSWY3DPEHPK3PXP');
    expect(recordOf(vault, 'B').content).toMatchObject({ type: 'encryptedNotes' });
    expect(vault.folders).toEqual([['Work'], ['Work', 'Mail']]);
  });

  test('what is not a one-time code is kept as a secret text and reported without its value', () => {
    const vault = readCsv(utf8('name,totp\nA,steam://ABCDEF\n'));
    expect(valuesOf(recordOf(vault, 'A').content)).toEqual({ 'secret:One-time code': 'steam://ABCDEF' });
    expect(JSON.stringify(vault.left)).not.toContain('ABCDEF');
    expect(vault.left).toHaveLength(1);
  });

  test('a text too long for a field becomes a file of the record', () => {
    const vault = readCsv(utf8(`name,other\nA,${'x'.repeat(70_000)}\n`));
    expect(recordOf(vault, 'A').attachments).toMatchObject([{ name: 'other.txt', mediaType: 'text/plain' }]);
    expect(vault.left).toHaveLength(1);
  });
});

describe('LastPass', () => {
  const header = 'url,username,password,totp,extra,name,grouping,fav\n';
  const read = (...lines: string[]) => readCsv(utf8(header + lines.join('\n')));

  test('a login with nested folder', () => {
    const vault = read('https://a.example,u,p,,hint,A,Work\\Mail,1');
    expect(recordOf(vault, 'A')).toMatchObject({
      folder: ['Work', 'Mail'],
      favourite: true,
      content: { type: 'login', notes: 'hint' },
    });
  });

  test('what its extension wrote for a web page is put back, in every column, once, and said', () => {
    const vault = read(
      'https://a.example/?x=1&amp;y=2,u&lt;1&gt;,G%W!7&amp;#,,say &quot;hi&quot;,Q&amp;A,Tom &amp; Jerry\\Mail,0',
      'https://b.example/,u,a&amp;lt;b&#39;c&#x27;d,,,B,,0',
    );
    const record = recordOf(vault, 'Q&A');
    expect(record.folder).toEqual(['Tom & Jerry', 'Mail']);
    expect(record.content.notes).toBe('say "hi"');
    expect(valuesOf(record.content)).toMatchObject({
      url: 'https://a.example/?x=1&y=2',
      login: 'u<1>',
      password: 'G%W!7&#',
    });
    expect(valuesOf(recordOf(vault, 'B').content)).toMatchObject({ password: "a&lt;b'c'd" });
    expect(vault.left.filter(({ why }) => why.includes('web page'))).toHaveLength(6);
  });

  test('a column of its website’s file stays as it is: it has the signs themselves', () => {
    const vault = read(
      'https://a.example/?x=1&y=2,u,foo&bar,,,A,R&D,0',
      'https://b.example/?x=1&amp;y=2,u,G%W!7&amp;#,,,B,,0',
    );
    expect(valuesOf(recordOf(vault, 'B').content)).toMatchObject({
      url: 'https://b.example/?x=1&amp;y=2',
      password: 'G%W!7&amp;#',
    });
    expect(recordOf(vault, 'A').folder).toEqual(['R&D']);
    expect(vault.left).toEqual([]);
  });

  test('another program’s file keeps its escapes', () => {
    const vault = readCsv(utf8('name,username,password\nA,u,x&amp;y\n'));
    expect(valuesOf(recordOf(vault, 'A').content)).toMatchObject({ password: 'x&amp;y' });
  });

  test('a secure note and a card with its own lines', () => {
    const card =
      'NoteType:Credit Card\nLanguage:en-US\nName on Card:Ann B\nType:Visa\nNumber:4111111111111111\nSecurity Code:123\nStart Date:,\nExpiration Date:January,2031\nNotes:two\nlines: here';
    const vault = read('http://sn,,,,plain text,N,,0', `http://sn,,,,"${card}",C,,0`);
    expect(valuesOf(recordOf(vault, 'N').content)).toEqual({ note: 'plain text' });
    const { content } = recordOf(vault, 'C');
    expect(content.type).toBe('bankCard');
    expect(content.notes).toBe('two\nlines: here');
    expect(valuesOf(content)).toEqual({
      paymentCard: { cardNumber: '4111111111111111', cardExpirationDate: '01/2031', cardSecurityCode: '123' },
      'text:cardholderName': 'Ann B',
      'text:Type': 'Visa',
    });
  });

  test('a server, an ssh key and a kind without a home', () => {
    const vault = read(
      'http://sn,,,,"NoteType:Server\nHostname:h.example:2222\nUsername:root\nPassword:pw\nNotes:",S,,0',
      'http://sn,,,,"NoteType:SSH Key\nPrivate Key:-----BEGIN\nabc\n-----END\nPublic Key:ssh-ed25519 A\nPassphrase:pp",K,,0',
      'http://sn,,,,"NoteType:Passport\nName:Ann\nNumber:X1",P,,0',
    );
    expect(valuesOf(recordOf(vault, 'S').content)).toEqual({
      host: { hostName: 'h.example', port: '2222' },
      login: 'root',
      password: 'pw',
    });
    expect(valuesOf(recordOf(vault, 'K').content)).toMatchObject({
      keyPair: { privateKey: '-----BEGIN\nabc\n-----END' },
      'password:passphrase': 'pp',
    });
    expect(valuesOf(recordOf(vault, 'P').content)).toEqual({
      'text:Kind': 'Passport',
      'text:Name': 'Ann',
      'secret:Number': 'X1',
    });
  });

  test('a row of a group alone is an empty folder', () => {
    const vault = read('http://group,,,,,,Empty,0');
    expect([vault.folders, vault.records]).toEqual([[['Empty']], []]);
  });
});

test.each(['=1+1', '+1', '-1', '@a', '\tx', '\rx', '\nx', "'=1", "''", 'plain', '', '＝1'])(
  'the guard of %j is taken away again',
  (value) => {
    const guarded = guardFormula(value);
    expect(guarded).not.toMatch(/^[=+\-@\t\r\n＝]/);
    expect(parseFormulaGuard(guarded)).toBe(value);
  },
);

test.each([
  "a;=cmd|' /C calc'!A0;b",
  'a\n=1',
  'a\r\n-1',
  'a\t@x',
  'a;"=1',
  ';;=1',
  "a;'=1",
  "a;''",
  '\t=1',
  '\t\t=',
  'a;＝1',
])('no cell of %j is a formula where another character separates', (value) => {
  const guarded = guardFormula(value);
  for (const cell of `"${guarded.replaceAll('"', '""')}"`.slice(1).split(/[;\t\r\n]/))
    expect(cell).not.toMatch(/^"*[=+\-@＝]/);
  expect(parseFormulaGuard(guarded)).toBe(value);
});

test('the guard is taken away again, whatever stands there', () => {
  const parts = fc.constantFrom(';', '\t', '\r', '\n', "'", '"', '=', '-', 'a', '＠');
  fc.assert(
    fc.property(fc.string({ unit: parts }), (value) => {
      expect(parseFormulaGuard(guardFormula(value))).toBe(value);
    }),
    { numRuns: runs(2000) },
  );
});
