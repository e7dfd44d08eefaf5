import type { FieldTemplate, RecordTemplate } from './templates.ts';

const settings: FieldTemplate = { type: 'pamSettings', title: 'Connection' };
const seed: FieldTemplate = { type: 'trafficEncryptionSeed', title: 'Traffic seed' };
const script: FieldTemplate = { type: 'script', title: 'Scripts' };
const file: FieldTemplate = { type: 'fileRef', title: 'Files' };
const host: FieldTemplate = { type: 'pamHostname', title: 'Host' };
const useSsl: FieldTemplate = { type: 'checkbox', label: 'useSSL', title: 'Use TLS' };

function text(label: string, title: string): FieldTemplate {
  return { type: 'text', label, title };
}

function secret(label: string, title: string, multiline = false): FieldTemplate {
  return multiline ? { type: 'secret', label, title, multiline } : { type: 'secret', label, title };
}

function lines(label: string, title: string): FieldTemplate {
  return { type: 'multiline', label, title };
}

const networks: FieldTemplate = {
  type: 'text',
  label: 'networkCIDR',
  title: 'Network ranges',
  format: 'networks',
};
const provider = [text('providerGroup', 'Provider group'), text('providerRegion', 'Provider region')];
const last = [script, file, { type: 'oneTimeCode', title: 'One-time code' }];

/** What is reached through a gateway, and who signs in there. */
export const pamTemplates: readonly RecordTemplate[] = [
  {
    type: 'pamMachine',
    title: 'Machine',
    fields: [
      host,
      settings,
      seed,
      text('operatingSystem', 'Operating system'),
      { type: 'checkbox', label: 'sslVerification', title: 'Verify the TLS certificate' },
      text('instanceName', 'Instance name'),
      text('instanceId', 'Instance ID'),
      ...provider,
      ...last,
    ],
  },
  {
    type: 'pamDatabase',
    title: 'Database',
    fields: [
      host,
      settings,
      seed,
      { type: 'databaseType', title: 'Kind of database' },
      useSsl,
      text('databaseId', 'Database ID'),
      ...provider,
      ...last,
    ],
  },
  {
    type: 'pamDirectory',
    title: 'Directory',
    fields: [
      host,
      settings,
      seed,
      { type: 'directoryType', title: 'Kind of directory' },
      useSsl,
      text('domainName', 'Domain name'),
      lines('alternativeIPs', 'Other addresses'),
      text('directoryId', 'Directory ID'),
      text('userMatch', 'Users to match'),
      ...provider,
      ...last,
    ],
  },
  {
    type: 'pamRemoteBrowser',
    title: 'Remote browser',
    fields: [
      { type: 'rbiUrl', title: 'Address' },
      { type: 'pamRemoteBrowserSettings', title: 'Browser' },
      seed,
      file,
      { type: 'oneTimeCode', title: 'One-time code' },
    ],
  },
  {
    type: 'pamUser',
    title: 'Machine user',
    fields: [
      { type: 'login', title: 'Login' },
      { type: 'password', title: 'Password' },
      secret('privatePEMKey', 'Private key', true),
      secret('passphrase', 'Key passphrase'),
      text('distinguishedName', 'Distinguished name'),
      text('connectDatabase', 'Database to connect to'),
      { type: 'checkbox', label: 'managed', title: 'Managed by its directory or cloud' },
      ...last,
    ],
  },
];

/** A configuration's own fields between those that all configurations have. */
function configuration(
  type: string,
  title: string,
  fields: readonly FieldTemplate[],
  more: Pick<RecordTemplate, 'internal' | 'editable'> = {},
): RecordTemplate {
  const common = [
    { ...lines('portMapping', 'Port mapping'), format: 'port-mapping' } as const,
    { type: 'schedule', label: 'defaultRotationSchedule', title: 'Rotation schedule' },
    script,
    file,
    text('identityProviderUid', 'Identity provider'),
  ];
  return {
    type,
    title,
    fields: [{ type: 'pamResources', title: 'Gateway' }, ...fields, ...common],
    ...more,
  };
}

/** Where a gateway works. The network one is made together with its gateway. */
export const configurationTemplates: readonly RecordTemplate[] = [
  configuration(
    'pamNetworkConfiguration',
    'Gateway configuration',
    [text('networkId', 'Network ID'), networks],
    { internal: true, editable: true },
  ),
  configuration('pamAwsConfiguration', 'AWS configuration', [
    text('awsId', 'AWS ID'),
    secret('accessKeyId', 'Access key ID'),
    secret('accessSecretKey', 'Secret access key'),
    lines('regionNames', 'Regions'),
  ]),
  configuration('pamAzureConfiguration', 'Azure configuration', [
    text('azureId', 'Azure ID'),
    secret('clientId', 'Client ID'),
    secret('clientSecret', 'Client secret'),
    secret('subscriptionId', 'Subscription ID'),
    secret('tenantId', 'Tenant ID'),
    lines('resourceGroups', 'Resource groups'),
  ]),
  configuration('pamDomainConfiguration', 'Domain configuration', [
    text('pamDomainId', 'Domain ID'),
    host,
    useSsl,
    { type: 'checkbox', label: 'scanDCCIDR', title: 'Scan the range of the domain controller' },
    networks,
    text('userMatch', 'Users to match'),
  ]),
  configuration('pamGcpConfiguration', 'Google Cloud configuration', [
    text('pamGcpId', 'Google Cloud ID'),
    { type: 'json', label: 'pamServiceAccountKey', title: 'Service account key' },
    { type: 'email', label: 'pamGoogleAdminEmail', title: 'Email of the administrator' },
    lines('pamGcpRegionName', 'Regions'),
  ]),
  configuration('pamOciConfiguration', 'Oracle Cloud configuration', [
    text('pamOciId', 'Oracle Cloud ID'),
    secret('adminOcid', 'OCID of the administrator'),
    secret('adminPublicKey', 'Public key of the administrator', true),
    secret('adminPrivateKey', 'Private key of the administrator', true),
    text('tenancyOci', 'Tenancy'),
    text('regionOci', 'Region'),
  ]),
  configuration('pamGitHubConfiguration', 'GitHub configuration', [
    text('pamGitHubId', 'GitHub ID'),
    secret('personalAccessToken', 'Personal access token'),
    text('pamGitHubBaseUrl', 'Address of the API'),
  ]),
  { type: 'app', title: 'Application', fields: [], internal: true },
  { type: 'secretsApplication', title: 'Application for secrets', fields: [], internal: true },
  { type: 'folder', title: 'Folder', fields: [], internal: true },
  { type: 'contactPin', title: 'Pinned key', fields: [], internal: true },
  { type: 'revocations', title: 'Revocations', fields: [], internal: true },
  { type: 'confirmations', title: 'Confirmed machines', fields: [], internal: true },
  { type: 'keyRotation', title: 'Key rotation', fields: [], internal: true },
];
