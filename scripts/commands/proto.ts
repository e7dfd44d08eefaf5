import { generateMessages, verifyMessages } from '../build/messages.ts';
import { runCommand } from '../process/command.ts';

const verify = process.argv.includes('--verify');
await runCommand(({ signal }) => (verify ? verifyMessages({ signal }) : generateMessages({ signal })));
