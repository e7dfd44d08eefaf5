import { describe, expect, it } from 'vitest';
import { Login } from '../../../gateway/ssh/login.ts';

const credential = { username: 'root', password: 'secret' };
const all = ['publickey', 'password', 'keyboard-interactive'];
const typeOf = (method: ReturnType<Login['next']>) => (method === false ? false : method.type);

/** Puts prompts to a login and gives its answers. */
function ask(login: Login, prompts: { prompt: string; echo?: boolean }[]): string[] {
  const method = login.next(['keyboard-interactive'], false);
  if (method === false || method.type !== 'keyboard-interactive') throw new Error('not asked');
  let answers: string[] = [];
  method.prompt('', '', '', prompts as never, (given) => (answers = given));
  return answers;
}

describe('logging in', () => {
  it('shows the key first, then the password', () => {
    const login = new Login(credential, 'key text');
    expect(typeOf(login.next(null, null))).toBe('publickey');
    expect(typeOf(login.next(all, false))).toBe('password');
  });

  it('does not try a refused password a second way: that may lock the account', () => {
    const login = new Login(credential, null);
    expect(typeOf(login.next(null, null))).toBe('password');
    expect(login.next(all, false)).toBe(false);
    expect(login.failure().code).toBe('login-refused');
  });

  it('goes over to keyboard-interactive where passwords are not taken directly', () => {
    const login = new Login(credential, null);
    expect(typeOf(login.next(null, null))).toBe('password');
    expect(typeOf(login.next(['publickey', 'keyboard-interactive'], false))).toBe('keyboard-interactive');
    expect(login.next(['publickey', 'keyboard-interactive'], false)).toBe(false);
  });

  it('goes on after a first factor', () => {
    const login = new Login(credential, 'key text');
    expect(typeOf(login.next(null, null))).toBe('publickey');
    expect(typeOf(login.next(['password'], true))).toBe('password');
    expect(typeOf(login.next(['keyboard-interactive'], true))).toBe('keyboard-interactive');
  });

  it('with nothing to show knocks once', () => {
    const login = new Login({ username: 'root' }, null);
    expect(typeOf(login.next(null, null))).toBe('none');
    expect(login.next(all, false)).toBe(false);
  });

  it.each(['Password: ', "root@host's password:", 'Passwort:', 'Mot de passe :', 'パスワード:'])(
    'answers %s',
    (prompt) => {
      expect(ask(new Login(credential, null), [{ prompt, echo: false }])).toEqual(['secret']);
    },
  );

  it.each([
    { prompt: 'Verification code: ', echo: false },
    { prompt: 'One-time token', echo: false },
    { prompt: 'Your favourite colour? ', echo: true },
    { prompt: 'Type your password so that all can see it: ', echo: true },
    { prompt: '', echo: false },
  ])('never tells the password to $prompt', (prompt) => {
    const login = new Login(credential, null);
    expect(ask(login, [prompt])).toEqual(['']);
    expect(login.failure().code).toBe('login-question');
  });

  it('tells the password once, however often it is asked', () => {
    const prompt = { prompt: 'Password: ', echo: false };
    expect(ask(new Login(credential, null), [prompt, prompt])).toEqual(['secret', '']);
  });
});
