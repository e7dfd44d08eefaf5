import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../../protocol/bytes.ts';
import { readGuacamoleDatabase, readUserMapping } from '../../../../workers/exchange/guacamole-reader.ts';
import { readSqlTables } from '../../../../workers/exchange/sql-tables.ts';
import { recordOf, valuesOf } from './samples.ts';

const mapping = `<?xml version="1.0" encoding="UTF-8"?>
<user-mapping>
  <!-- direct -->
  <authorize username="ann" password="secret-of-ann">
    <protocol>vnc</protocol><param name="hostname">vnc.example</param><param name="port">5901</param><param name="password">vncpw</param>
  </authorize>
  <authorize username="bob" password="x" encoding="md5">
    <connection name="web-1">
      <protocol>ssh</protocol>
      <param name="hostname">10.0.0.1</param><param name="username">root</param><param name="password">p&amp;w</param>
      <param name="private-key"><![CDATA[-----BEGIN
key]]></param>
      <param name="host-key">10.0.0.1 ssh-ed25519 AAAAC3Nz</param>
      <param name="font-size">14</param><param name="disable-copy">true</param><param name="sftp-password">sp</param><param name="enable-sftp">true</param>
    </connection>
    <connection name="desk"><protocol>rdp</protocol><param name="hostname">d</param><param name="username">\${GUAC_USERNAME}</param><param name="domain">CORP</param><param name="security">nla</param><param name="ignore-cert">true</param></connection>
    <connection name="pod"><protocol>kubernetes</protocol><param name="hostname">k</param><param name="namespace">ns</param><param name="client-key">KEY</param><param name="use-ssl">true</param></connection>
    <connection name="pigeon"><protocol>carrier</protocol></connection>
  </authorize>
  <authorize username="carl"><connection name="desk"><protocol>rdp</protocol><param name="hostname">d</param><param name="username">\${GUAC_USERNAME}</param><param name="domain">CORP</param><param name="security">nla</param><param name="ignore-cert">true</param></connection></authorize>
</user-mapping>`;

describe('user-mapping.xml', () => {
  const vault = readUserMapping(utf8(mapping));

  test('an ssh connection becomes a machine linked to its user', () => {
    const machine = recordOf(vault, 'web-1');
    expect(machine.content.type).toBe('pamMachine');
    expect(valuesOf(machine.content)).toEqual({
      pamHostname: { hostName: '10.0.0.1', port: '22' },
      pamSettings: {
        connection: { protocol: 'ssh', fontSize: 14, disableCopy: true, hostKey: 'ssh-ed25519 AAAAC3Nz' },
      },
      'secret:sftp-password': 'sp',
      'text:enable-sftp': 'true',
    });
    const [link] = machine.links ?? [];
    const user = vault.records[link?.to ?? -1];
    expect([link?.role, user?.content.type, user?.content.title]).toEqual([
      'launch',
      'pamUser',
      'root on web-1',
    ]);
    expect(valuesOf(user?.content ?? { type: '', title: '', fields: [] })).toEqual({
      login: 'root',
      password: 'p&w',
      'secret:privatePEMKey': '-----BEGIN\nkey',
    });
  });

  test('the same connection of two people is taken once; tokens, people and other protocols are reported', () => {
    expect(vault.records.map(({ content }) => content.title)).toEqual([
      'vnc.example',
      'User on vnc.example',
      'web-1',
      'root on web-1',
      'desk',
      'pod',
    ]);
    expect(valuesOf(recordOf(vault, 'desk').content)['pamSettings']).toEqual({
      connection: { protocol: 'rdp', security: 'nla', ignoreCert: true },
    });
    expect(valuesOf(recordOf(vault, 'pod').content)).toEqual({
      pamHostname: { hostName: 'k', port: '8080' },
      pamSettings: {
        connection: { protocol: 'kubernetes', namespace: 'ns', clientKey: 'KEY', useSSL: true },
      },
    });
    expect(vault.left.map(({ what }) => what)).toEqual([
      '"username" of "desk"',
      'connection "pigeon"',
      'the people of the file and their passwords',
    ]);
    expect(JSON.stringify(vault)).not.toContain('secret-of-ann');
  });

  test.each([
    ['<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><user-mapping>&y;</user-mapping>', 'document type'],
    ['<user-mapping>&unknown;</user-mapping>', 'not well formed'],
    ['<user-mapping>', 'not well formed'],
    ['<other/>', 'not a user-mapping'],
    ['', 'not well formed'],
    [`${'<a>'.repeat(10_000)}`, 'nested deeper'],
  ])('%.60s is refused', (xml, message) => {
    expect(() => readUserMapping(utf8(xml))).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(message) }),
    );
  });
});

const mysql = `-- MySQL dump 10.13
/*!40101 SET NAMES utf8 */;
CREATE TABLE \`guacamole_connection\` (
  \`connection_id\` int(11) NOT NULL AUTO_INCREMENT,
  \`connection_name\` varchar(128) NOT NULL,
  \`parent_id\` int(11) DEFAULT NULL,
  \`protocol\` varchar(32) NOT NULL,
  PRIMARY KEY (\`connection_id\`),
  KEY \`x\` (\`parent_id\`)
) ENGINE=InnoDB;
INSERT INTO \`guacamole_connection\` VALUES (1,'it''s \\'one\\'',2,'ssh'),(2,'two',NULL,'telnet');
INSERT INTO \`guacamole_user\` (\`user_id\`, \`password_hash\`) VALUES (1,_binary 'a;b');
INSERT INTO \`guacamole_connection_group\` (\`connection_group_id\`,\`parent_id\`,\`connection_group_name\`) VALUES (2,3,'In'),(3,NULL,'Out');
INSERT INTO \`guacamole_connection_parameter\` (\`connection_id\`, \`parameter_name\`, \`parameter_value\`) VALUES (1,'hostname','h1'),(1,'username','u'),
 (1,'private-key','a\\nb'),(2,'hostname','h2');
`;

const postgres = `--
-- PostgreSQL database dump
--
CREATE TABLE public.guacamole_connection (connection_id integer NOT NULL);
COPY public.guacamole_connection (connection_id, connection_name, parent_id, protocol) FROM stdin;
1\tone\t\\N\tssh
\\.
COPY public.guacamole_connection_parameter (connection_id, parameter_name, parameter_value) FROM stdin;
1\thostname\th1
1\tprivate-key\ta\\nb\\\\c
\\.
INSERT INTO public.guacamole_connection_parameter (connection_id, parameter_name, parameter_value) VALUES (1, 'password', 'p\\w''q');
`;

describe('database export', () => {
  test('a MySQL dump: columns from its create table, quotes, groups as folders', () => {
    const vault = readGuacamoleDatabase(utf8(mysql));
    expect(recordOf(vault, "it's 'one'").folder).toEqual(['Out', 'In']);
    expect(valuesOf(recordOf(vault, "u on it's 'one'").content)).toEqual({
      login: 'u',
      'secret:privatePEMKey': 'a\nb',
    });
    expect(valuesOf(recordOf(vault, 'two').content)['pamHostname']).toEqual({ hostName: 'h2', port: '23' });
  });

  test('a PostgreSQL dump: copy and insert', () => {
    const vault = readGuacamoleDatabase(utf8(postgres));
    expect(valuesOf(recordOf(vault, 'User on one').content)).toEqual({
      'secret:privatePEMKey': 'a\nb\\c',
      password: "p\\w'q",
    });
  });

  test('a csv of the joined tables', () => {
    const vault = readGuacamoleDatabase(
      utf8(
        'parent_name,connection_name,protocol,parameter_name,parameter_value\nG,c1,ssh,hostname,h\nG,c1,ssh,username,u\nNULL,c2,vnc,hostname,v\n',
      ),
    );
    expect(vault.records.map(({ content, folder }) => [content.title, folder])).toEqual([
      ['c1', ['G']],
      ['u on c1', ['G']],
      ['c2', []],
    ]);
  });

  test.each([
    ["INSERT INTO guacamole_connection VALUES (1,'a');", 'name no columns'],
    ["INSERT INTO guacamole_connection (a) VALUES (1,'a');", 'has 2 values for 1 columns'],
    ["INSERT INTO guacamole_connection (a) VALUES ('a", 'no end'],
    ['INSERT INTO guacamole_connection (a', 'no end'],
    ['COPY guacamole_connection (a) FROM stdin;\n1', 'have no end'],
    ['INSERT INTO other (a) VALUES (1);', 'no rows of guacamole_connection'],
    ['a,b\n1,2\n', 'lacks one of connection_name'],
  ])('%j is refused', (text, message) => {
    expect(() => readGuacamoleDatabase(utf8(text))).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(message) }),
    );
  });

  test('groups in a circle end', () => {
    const circle =
      "INSERT INTO guacamole_connection_group (connection_group_id,parent_id,connection_group_name) VALUES (1,2,'a'),(2,1,'b');INSERT INTO guacamole_connection (connection_id,connection_name,parent_id,protocol) VALUES (1,'c',1,'ssh');";
    expect(() => readGuacamoleDatabase(utf8(circle))).toThrow('in a circle');
  });

  test('a long statement of another table costs no stack', () => {
    const long = `INSERT INTO noise (a) VALUES ${"('x;y'),".repeat(200_000)}('z');\nINSERT INTO guacamole_connection (connection_id) VALUES (1);`;
    expect(
      readSqlTables(`CREATE VIEW v AS ${'x '.repeat(500_000)};${long}`).get('guacamole_connection'),
    ).toHaveLength(1);
  });
});
