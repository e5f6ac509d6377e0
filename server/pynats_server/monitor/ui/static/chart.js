// A small line with the history of one figure.

import { el, set, setText, svg } from "./dom.js";

const WIDTH = 240;
const HEIGHT = 48;

export class Chart {
  constructor(title, format) {
    this.format = format;
    this.value = el("strong", {}, "–");
    this.most = el("span", { class: "most" });
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line" });
    this.picture = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      this.area,
      this.line,
    );
    this.title = title;
    this.element = el(
      "section",
      { class: "chart" },
      el("h3", {}, title),
      el("p", {}, this.value, this.most),
      this.picture,
    );
  }

  /** `points`: [seconds, value or null for a gap], the oldest first; `span`: seconds that are shown. */
  draw(points, span, exactly) {
    const known = points.filter(([, value]) => value !== null);
    const last = points.at(-1)?.[1] ?? null;
    setText(this.value, this.format(last));
    set(this.value, { title: exactly && last !== null ? exactly(last) : null });
    const most = Math.max(0, ...known.map(([, value]) => value));
    setText(this.most, known.length ? `max ${this.format(most)}` : "");
    set(this.picture, {
      "aria-label": known.length
        ? `${this.title}: now ${this.format(last)}, at most ${this.format(most)}`
        : `${this.title}: not known yet`,
    });
    const end = points.at(-1)?.[0] ?? 0;
    let line = "";
    let area = "";
    let run = [];
    const finish = () => {
      if (run.length > 1) {
        line += `M${run.join("L")}`;
        area += `M${run[0].split(",")[0]},${HEIGHT}L${run.join("L")}L${run.at(-1).split(",")[0]},${HEIGHT}Z`;
      }
      run = [];
    };
    for (const [time, value] of points) {
      if (value === null) {
        finish();
        continue;
      }
      const x = WIDTH - ((end - time) / span) * WIDTH;
      const y = HEIGHT - 2 - (most > 0 ? (value / most) * (HEIGHT - 4) : 0);
      if (x >= 0) run.push(`${x.toFixed(1)},${y.toFixed(1)}`);
    }
    finish();
    set(this.line, { d: line });
    set(this.area, { d: area });
  }
}
