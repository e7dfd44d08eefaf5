/** Which tab a test shows; the page follows it. */
export class Shown {
  now = $state('');

  constructor(tab: string) {
    this.now = tab;
  }
}
