// What the server was like since the page is open: some minutes of it.

import { seconds } from "./format.js";
import { Rates } from "./rates.js";

const KEPT_S = 600;
const COUNTED = ["in_msgs", "out_msgs", "in_bytes", "out_bytes"];
const SHOWN = ["cpu", "mem", "connections", "subscriptions"];
const GAP_S = 45; // longer without a look is a hole in the line

export class History {
  #points = [];
  #rates = new Rates();

  /** Takes in an answer of /varz. */
  add(general) {
    const time = seconds(general.now);
    const before = this.#points.at(-1);
    if (time === null || (before && time === before.time)) return;
    if (before && time < before.time) {
      this.#points = []; // the server's clock was put back
      this.#rates.clear();
    }
    if (before && time > before.time + GAP_S) {
      this.gap();
      this.#rates.clear(); // a rate over so long a time says little
    }
    this.#rates.begin();
    const counted = Object.fromEntries(COUNTED.map((name) => [name, general[name]]));
    const values = this.#rates.of("server", time, counted);
    for (const name of SHOWN) values[name] = general[name];
    this.#points.push({ time, values });
    const first = this.#points.findIndex((point) => time - point.time <= KEPT_S);
    this.#points.splice(0, first);
  }

  /** Nothing is known of now. */
  gap() {
    const last = this.#points.at(-1);
    if (last && last.values) this.#points.push({ time: last.time, values: null });
  }

  /** Another server: nothing of the old one counts. */
  restarted() {
    this.gap();
    this.#rates.clear();
  }

  /** How much of it there is. */
  get seconds() {
    return this.#points.length ? this.#points.at(-1).time - this.#points[0].time : 0;
  }

  /** [seconds, value or null] of one figure. */
  points(name) {
    return this.#points.map(({ time, values }) => [time, values ? (values[name] ?? null) : null]);
  }
}
