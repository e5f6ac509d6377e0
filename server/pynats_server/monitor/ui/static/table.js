// A table that is sorted, searched and paged by the server. Rows and cells stay where they are, and
// only what has changed is written, so that a look, a selection or the focus survives an update.

import { el, set, setText } from "./dom.js";

export class Table {
  /** `columns`: {label, sort, number, cell(row)}; a cell is {text, title, sub, subTitle, href, tone,
   * share}. `onSort` gets the name of an order. */
  constructor(caption, columns, onSort) {
    this.columns = columns;
    this.rows = new Map();
    this.heads = columns.map((column) => this.#head(column, onSort));
    this.body = el("tbody");
    this.element = el(
      "table",
      { "aria-label": caption },
      el("thead", {}, el("tr", {}, ...this.heads)),
      this.body,
    );
  }

  #head(column, onSort) {
    const head = el("th", { scope: "col", class: column.number ? "number" : null });
    if (column.sort && onSort) {
      const button = el("button", { type: "button", title: `Sort by ${column.label}` }, column.label);
      button.addEventListener("click", () => onSort(column.sort));
      head.append(button);
    } else head.append(column.label);
    return head;
  }

  /** Shows which order it is in. */
  sorted(sort) {
    this.columns.forEach((column, at) => {
      const mine = column.sort && column.sort === sort;
      set(this.heads[at], { "aria-sort": mine ? (column.number ? "descending" : "ascending") : null });
    });
  }

  /** `items`: [key, row] in their order. */
  show(items) {
    const keys = new Set(items.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        row.element.remove();
        this.rows.delete(key);
      }
    }
    let before = null;
    for (const [key, item] of items) {
      let row = this.rows.get(key);
      if (!row) {
        row = this.#row();
        this.rows.set(key, row);
      }
      this.columns.forEach((column, at) => fill(row.cells[at], column.cell(item)));
      const place = before ? before.nextSibling : this.body.firstChild;
      if (place !== row.element) this.body.insertBefore(row.element, place);
      before = row.element;
    }
  }

  #row() {
    const cells = this.columns.map((column) => {
      const text = el("bdi");
      const sub = el("small", { hidden: "" });
      const inside = el("div", { class: "cell" }, text, sub);
      const classes = [column.number ? "number" : "", column.lead ? "lead" : ""].join(" ").trim();
      const cell = el("td", { class: classes || null, "data-label": column.label }, inside);
      return { cell, inside, text, sub, link: null, bar: null };
    });
    return { element: el("tr", {}, ...cells.map(({ cell }) => cell)), cells };
  }
}

function fill(parts, { text, title, sub, subTitle, href, tone, share }) {
  if (href && !parts.link) {
    parts.link = el("a");
    parts.inside.replaceChild(parts.link, parts.text);
    parts.link.append(parts.text);
  } else if (!href && parts.link) {
    parts.inside.replaceChild(parts.text, parts.link);
    parts.link = null;
  }
  if (parts.link) set(parts.link, { href });
  setText(parts.text, text);
  set(parts.text, { title: title ?? null });
  setText(parts.sub, sub ?? "");
  set(parts.sub, { title: subTitle ?? null, hidden: sub ? null : "" });
  set(parts.cell, { "data-tone": tone ?? null, "data-none": text === "–" ? "" : null });
  if (share !== undefined && !parts.bar) {
    parts.bar = bar();
    parts.inside.append(parts.bar);
  }
  if (parts.bar) setBar(parts.bar, share ?? 0);
}

export function bar() {
  return el("progress", { max: "1", value: "0", "aria-hidden": "true" });
}

export function setBar(element, share) {
  set(element, {
    value: Math.min(1, share),
    "data-tone": share >= 0.95 ? "bad" : share >= 0.8 ? "warn" : null,
    hidden: share > 0 ? null : "",
  });
}
