import { networkOf } from '../api/network.ts';
import { requireNoWait } from '../api/refusal.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';

export interface LoginRates {
  readonly perAccount: Rate;
  readonly perAddress: Rate;
}

/** Ten guesses, then one in 30 seconds for an account; an office behind one address logs in unhindered. */
export const loginRates: LoginRates = {
  perAccount: { burst: 10, perSecond: 1 / 30 },
  perAddress: { burst: 60, perSecond: 1 / 2 },
};

/**
 * Accounts that anyone may make, by network: an address that is taken is refused, and this is how often one may ask.
 * Whoever was invited is not counted: an invitation says which address it is for.
 */
export const signUpRate: Rate = { burst: 20, perSecond: 1 / 120 };

/**
 * Codes of a second factor, counted by account and address. Whoever gets here knows the password: ten guesses, then one
 * in five minutes, so that 288 a day meet a million codes of which three are right.
 */
export const codeRates: LoginRates = {
  perAccount: { burst: 10, perSecond: 1 / 300 },
  perAddress: { burst: 30, perSecond: 1 / 20 },
};

/**
 * Counts attempts by what the caller says, before anything is looked up: an account that does not exist is
 * throttled exactly like one that does (attack class 19).
 */
export class LoginThrottle {
  readonly #perAccount: RateLimiter;
  readonly #perAddress: RateLimiter;

  constructor(rates: LoginRates) {
    this.#perAccount = new RateLimiter(rates.perAccount);
    this.#perAddress = new RateLimiter(rates.perAddress);
  }

  /** Throws TooManyRequests. */
  attempt(email: string, address: string, now: number): void {
    this.attemptFrom(address, now);
    requireNoWait(this.#perAccount.take(email, now));
  }

  /** An attempt that names no account. Throws TooManyRequests. */
  attemptFrom(address: string, now: number): void {
    requireNoWait(this.#perAddress.take(networkOf(address), now));
  }

  /** A login that succeeded was no guess. */
  succeeded(email: string, address: string): void {
    this.#perAccount.giveBack(email);
    this.succeededFrom(address);
  }

  succeededFrom(address: string): void {
    this.#perAddress.giveBack(networkOf(address));
  }
}
