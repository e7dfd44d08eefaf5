/**
 * One question at a time: while an answer is on its way only the newest further question is kept, and an answer
 * that a newer question has overtaken is dropped.
 */
export class LatestWins<Question, Answer> {
  readonly #ask: (question: Question) => Promise<Answer>;
  readonly #take: (answer: Answer, question: Question) => void;
  readonly #fail: (error: unknown, question: Question) => void;
  #waiting: { readonly question: Question } | null = null;
  #running = false;

  constructor(
    ask: (question: Question) => Promise<Answer>,
    take: (answer: Answer, question: Question) => void,
    fail: (error: unknown, question: Question) => void,
  ) {
    this.#ask = ask;
    this.#take = take;
    this.#fail = fail;
  }

  request(question: Question): void {
    this.#waiting = { question };
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      await this.#answer(next.question);
    }
    this.#running = false;
  }

  async #answer(question: Question): Promise<void> {
    try {
      const answer = await this.#ask(question);
      if (this.#waiting === null) this.#take(answer, question);
    } catch (error) {
      if (this.#waiting === null) this.#fail(error, question);
    }
  }
}
