/** Wakes whoever waits for a change. It carries nothing: who wakes looks again at what changed. */
export class Bell {
  #waiters = new Set<() => void>();

  /** How many wait now. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Resolves at the next ring, or at the abort, whichever is first; nothing stays behind. */
  rung(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
      this.#waiters.add(wake);
    });
  }

  /** Wakes those who wait now; who waits again while they wake waits for the next ring. */
  ring(): void {
    if (this.#waiters.size === 0) return;
    for (const wake of [...this.#waiters]) wake();
  }
}
