import type { AddedApplicationClient } from '../../workers/api.ts';

export interface ClientExample {
  readonly name: string;
  readonly code: string;
}

type Form = AddedApplicationClient['form'];

/** One line or two for those who begin, with the environment's variables in place of secrets. docs/secrets-manager.md has more. */
export const clientExamples: Readonly<Record<Form, readonly ClientExample[]>> = {
  configuration: [
    {
      name: 'JavaScript',
      code: `const { records } = await getSecrets({ storage: loadJsonConfig(process.env.KSM_CONFIG) })`,
    },
    {
      name: 'Python',
      code: `records = SecretsManager(config=InMemoryKeyValueStorage(os.environ['KSM_CONFIG'])).get_secrets()`,
    },
    { name: 'Shell', code: `export KSM_CONFIG='the base64 text'` },
  ],
  token: [
    {
      name: 'JavaScript',
      code: [
        `const storage = localConfigStorage('secrets.json')`,
        `await initializeStorage(storage, process.env.KSM_TOKEN, process.env.KSM_HOSTNAME)`,
        `const { records } = await getSecrets({ storage, serverPublicKeyId, serverPublicKey })`,
      ].join('\n'),
    },
    {
      name: 'Python',
      code: [
        `manager = SecretsManager(token=token, hostname=hostname, config=FileKeyValueStorage('secrets.json'),`,
        `    server_public_key_id=key_id, server_public_key=key)`,
        `records = manager.get_secrets()`,
      ].join('\n'),
    },
  ],
};
