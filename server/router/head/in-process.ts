import type {
  AccountMessage,
  AccountSubject,
  GatewayAnswer,
  GatewayMessage,
  GatewayRequest,
  GatewaySubject,
  GatewaySubscriber,
  Head,
  Unsubscribe,
} from './head.ts';

type AccountSubscriber = (message: AccountMessage) => void;

/** The head of a server that is one process. */
export class InProcessHead implements Head {
  readonly #accounts = new Map<string, Set<AccountSubscriber>>();
  readonly #gateways = new Map<string, GatewaySubscriber>();

  publish(subject: AccountSubject | GatewaySubject, message: AccountMessage | GatewayMessage): void {
    // The overloads of Head tie each kind of message to its kind of subject.
    if (subject.startsWith('gw.')) this.#gateways.get(subject)?.onMessage(message as GatewayMessage);
    else for (const take of this.#accounts.get(subject) ?? []) take(message as AccountMessage);
  }

  async request(subject: GatewaySubject, request: GatewayRequest): Promise<GatewayAnswer | null> {
    return (await this.#gateways.get(subject)?.onRequest(request)) ?? null;
  }

  subscribe(
    subject: AccountSubject | GatewaySubject,
    subscriber: AccountSubscriber | GatewaySubscriber,
  ): Unsubscribe {
    return typeof subscriber === 'function'
      ? this.#subscribeAccount(subject, subscriber)
      : this.#subscribeGateway(subject, subscriber);
  }

  #subscribeAccount(subject: string, subscriber: AccountSubscriber): Unsubscribe {
    const subscribers = this.#accounts.get(subject) ?? new Set();
    this.#accounts.set(subject, subscribers.add(subscriber));
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.#accounts.get(subject) === subscribers)
        this.#accounts.delete(subject);
    };
  }

  /** The newest link of a gateway is the one that answers. */
  #subscribeGateway(subject: string, subscriber: GatewaySubscriber): Unsubscribe {
    this.#gateways.set(subject, subscriber);
    return () => {
      if (this.#gateways.get(subject) === subscriber) this.#gateways.delete(subject);
    };
  }
}
