/** Runs tasks with the same key one after the other, tasks with different keys side by side. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const previous = this.#tails.get(key) ?? Promise.resolve();
    const { promise: done, resolve: release } = Promise.withResolvers<undefined>();
    const tail = previous.then(() => done);
    this.#tails.set(key, tail);
    await previous;
    try {
      return await task();
    } finally {
      release(undefined);
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** True while a task with this key runs or waits. */
  isHeld(key: string): boolean {
    return this.#tails.has(key);
  }
}
