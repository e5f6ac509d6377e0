// Asks again and again: at the pace that the server answers at, and never while nobody looks.

export const FASTEST_MS = 2000;
const SLOWEST_MS = 30000;
const SHARE = 10; // the time between two looks, in times that one takes
const FIRST_RETRY_MS = 1000;

export class Poll {
  #look;
  #timer = null;
  #abort = null;
  #failures = 0;

  /** `look(signal)` asks once; it resolves to whether that went well. */
  constructor(look) {
    this.#look = look;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.now()));
    window.addEventListener("online", () => this.now());
  }

  /** Asks at once; what is under way is given up. */
  now() {
    this.stop();
    if (!document.hidden) this.#run();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#abort?.abort();
    this.#abort = null;
  }

  async #run() {
    const abort = (this.#abort = new AbortController());
    const began = performance.now();
    const well = await this.#look(abort.signal);
    if (abort.signal.aborted) return;
    const took = performance.now() - began;
    this.#failures = well ? 0 : this.#failures + 1;
    const wait = well
      ? Math.min(SLOWEST_MS, Math.max(FASTEST_MS, SHARE * took))
      : Math.min(SLOWEST_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 5));
    this.#timer = setTimeout(() => this.#run(), wait);
  }
}
