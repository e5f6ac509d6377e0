// Changes per second, out of two answers.

const KEPT = 3; // answers that something may be missing from before it is forgotten

export class Rates {
  #seen = new Map();
  #answer = 0;

  /** Another answer begins; what has not come for a while is forgotten. */
  begin() {
    this.#answer += 1;
    for (const [key, { answer }] of this.#seen) {
      if (this.#answer - answer > KEPT) this.#seen.delete(key);
    }
  }

  /** The rate of each counter of `values` at a server's time in seconds: null while unknown. */
  of(key, time, values) {
    const before = this.#seen.get(key);
    const found = {};
    const passed = before ? time - before.time : 0;
    const fell = before && Object.keys(values).some((name) => values[name] < before.values[name]);
    for (const name of Object.keys(values)) {
      found[name] =
        passed > 0 && !fell ? (values[name] - before.values[name]) / passed : (before?.rates[name] ?? null);
      if (fell) found[name] = null; // it has begun again
    }
    if (passed < 0) for (const name of Object.keys(values)) found[name] = null; // the clock was put back
    if (!before || passed !== 0 || fell) this.#seen.set(key, { time, values, rates: found, answer: this.#answer });
    else before.answer = this.#answer;
    return found;
  }

  /** Forgets all: the server is another. */
  clear() {
    this.#seen.clear();
  }
}
