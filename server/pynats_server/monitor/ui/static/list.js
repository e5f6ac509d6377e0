// A view of a list: what to search for, its table, and its pages.

import { get } from "./api.js";
import { el, set, setText } from "./dom.js";
import { exact, seconds } from "./format.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";

export const PAGE = 50;
const TYPING_MS = 300;

export class ListView {
  /** `kind`: {title, path, rows, columns, key, sort, counters, hint, choices, parameters, note}. */
  constructor(kind, state, go) {
    this.kind = kind;
    this.state = state;
    this.go = go;
    this.rates = new Rates();
    this.table = new Table(kind.title, kind.columns, (sort) => this.#change({ sort, page: "" }));
    this.table.sorted(this.sort);
    this.summary = el("p", { class: "summary", role: "status" });
    this.empty = el("p", { class: "empty", hidden: "" });
    this.back = this.#turn("Previous", -1);
    this.next = this.#turn("Next", 1);
    this.place = el("span");
    this.pages = el("nav", { class: "pages", "aria-label": "Pages", hidden: "" }, this.back, this.place, this.next);
    this.note = el("div", { class: "note" });
    this.element = el(
      "section",
      { class: "list" },
      el("div", { class: "bar" }, el("h2", {}, kind.title), this.summary, this.#form()),
      this.note,
      el("div", { class: "panel" }, this.table.element, this.empty),
      this.pages,
    );
  }

  get sort() {
    return this.state.get("sort") || this.kind.sort(this.state);
  }

  get page() {
    return Math.max(1, Number.parseInt(this.state.get("page") ?? "1", 10) || 1);
  }

  #form() {
    const search = (this.search = el("input", {
      type: "search",
      name: "search",
      placeholder: this.kind.hint,
      "aria-label": this.kind.hint,
      maxlength: "256",
      autocomplete: "off",
      spellcheck: "false",
    }));
    search.value = this.state.get("search") ?? "";
    let typing;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#change({ search: search.value, page: "" }, true), TYPING_MS);
    });
    const form = el("form", { role: "search" }, this.#order(), ...this.#choices(), search);
    form.addEventListener("submit", (event) => event.preventDefault());
    return form;
  }

  /** What the heads of columns are for, where there is no room for them. */
  #order() {
    this.order = el("select", { name: "sort", "aria-label": "Order", class: "order" });
    for (const { label, sort } of this.kind.columns) {
      if (sort) this.order.append(el("option", { value: sort }, label));
    }
    this.order.value = this.sort;
    this.order.addEventListener("change", () => this.#change({ sort: this.order.value, page: "" }));
    return this.order;
  }

  #choices() {
    this.chosen = new Map();
    return (this.kind.choices ?? []).map(({ name, label, options }) => {
      const made = el("select", { name, "aria-label": label });
      for (const [value, text] of options) made.append(el("option", { value }, text));
      made.value = this.state.get(name) ?? "";
      this.chosen.set(name, made);
      made.addEventListener("change", () => this.#change({ [name]: made.value, page: "", sort: "" }));
      return made;
    });
  }

  #turn(text, by) {
    const button = el("button", { type: "button" }, text);
    button.addEventListener("click", () => this.#change({ page: String(this.page + by) }));
    return button;
  }

  /** `inPlace`: the view stays (somebody is typing in it). */
  #change(changes, inPlace = false) {
    for (const [name, value] of Object.entries(changes)) {
      if (value) this.state.set(name, value);
      else this.state.delete(name);
    }
    this.go(this.state, inPlace);
  }

  /** Another part of the same list is wanted. */
  update(state) {
    this.state = state;
    this.table.sorted(this.sort);
    this.order.value = this.sort;
    if (document.activeElement !== this.search) this.search.value = state.get("search") ?? "";
    for (const [name, made] of this.chosen) made.value = state.get(name) ?? "";
  }

  async load(signal) {
    const asked = {
      ...this.kind.parameters(this.state),
      sort: this.sort,
      search: this.state.get("search") ?? "",
      offset: (this.page - 1) * PAGE,
      limit: PAGE,
    };
    return await get(this.kind.path, asked, signal);
  }

  show(answer) {
    const rows = answer[this.kind.rows] ?? [];
    const time = seconds(answer.now) ?? 0;
    this.rates.begin();
    const items = rows.map((row) => {
      const key = this.kind.key(row);
      return [key, { ...row, now: answer.now, rates: this.rates.of(key, time, this.kind.counters(row)) }];
    });
    this.table.show(items);
    const { total } = answer;
    const pages = Math.max(1, Math.ceil(total / PAGE));
    setText(this.summary, `${exact(total)} ${this.kind.what(this.state)}`);
    set(this.table.element, { hidden: rows.length ? null : "" });
    set(this.empty, { hidden: rows.length ? "" : null });
    setText(this.empty, this.kind.none(this.state));
    set(this.pages, { hidden: pages > 1 || this.page > 1 ? null : "" });
    setText(this.place, `Page ${exact(this.page)} of ${exact(pages)}`);
    this.back.disabled = this.page <= 1;
    this.next.disabled = this.page >= pages;
    this.kind.note?.(this.note, this.state, answer);
  }

  restarted() {
    this.rates.clear();
  }
}
