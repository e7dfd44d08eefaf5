import type ssh2 from 'ssh2';
import { SessionFailure } from '../terminal/failure.ts';
import type { SshCredential } from './credential.ts';

type Method = ssh2.AnyAuthMethod;
type Prompt = { readonly prompt: string; readonly echo?: boolean };

/** Prompts that a password answers. Others (one-time codes, questions) must not be told a password. */
const asksForPassword =
  /pass(word|wort|phrase)|mot de passe|contraseña|senha|wachtwoord|пароль|密码|密碼|パスワード/i;

/**
 * Chooses the ways to log in: key, then password, then the password by keyboard-interactive. Each is tried
 * once, because a second wrong try may lock the account; keyboard-interactive only when the target does not
 * take passwords directly, or wants it as a second factor.
 */
export class Login {
  readonly #credential: SshCredential;
  readonly #keyText: string | null;
  readonly #tried = new Set<string>();
  #answered = false;
  #question: string | null = null;

  constructor(credential: SshCredential, keyText: string | null) {
    this.#credential = credential;
    this.#keyText = keyText;
  }

  /** Why the login failed, as far as it is known here. */
  failure(): SessionFailure {
    if (this.#question !== null) {
      return new SessionFailure('login', 'login-question', 'the target asks for more than a password');
    }
    return new SessionFailure('login', 'login-refused', 'the target refused the login');
  }

  /** ssh2 asks this after each failed try; `left` is null before the first. */
  next(left: readonly string[] | null, partial: boolean | null): Method | false {
    const { username, password } = this.#credential;
    if (this.#keyText !== null && this.#may('publickey', left)) {
      return { type: 'publickey', username, key: this.#keyText };
    }
    if (password === undefined) return this.#probe(left);
    if (this.#may('password', left)) return { type: 'password', username, password };
    const refused = this.#tried.has('password') && left?.includes('password') && !partial;
    if (refused || !this.#may('keyboard-interactive', left)) return false;
    return { type: 'keyboard-interactive', username, prompt: (...call) => this.#answer(call[3], call[4]) };
  }

  /** With nothing to show, the target may still let this account in (`none`, RFC 4252 §5.2). */
  #probe(left: readonly string[] | null): Method | false {
    if (left !== null || !this.#first('none')) return false;
    return { type: 'none', username: this.#credential.username };
  }

  #may(method: string, left: readonly string[] | null): boolean {
    return (left === null || left.includes(method)) && this.#first(method);
  }

  #first(method: string): boolean {
    if (this.#tried.has(method)) return false;
    this.#tried.add(method);
    return true;
  }

  #answer(prompts: readonly Prompt[], finish: (answers: string[]) => void): void {
    finish(prompts.map((prompt) => this.#answerTo(prompt)));
  }

  #answerTo({ prompt, echo }: Prompt): string {
    if (echo !== true && asksForPassword.test(prompt) && !this.#answered) {
      this.#answered = true;
      return this.#credential.password ?? '';
    }
    this.#question = prompt;
    return '';
  }
}
