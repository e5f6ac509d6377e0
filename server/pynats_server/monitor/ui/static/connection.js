// One connection, with its subscriptions.

import { get } from "./api.js";
import { GLOBAL, growing, growingSize, hash, name, number, size } from "./cells.js";
import { el, outside, outsideTitle, set, setText } from "./dom.js";
import { exact, seconds } from "./format.js";
import { counters } from "./connections.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";

const LISTED_MAX = 500; // subscriptions that are asked for

export class ConnectionView {
  constructor(state) {
    this.cid = state.get("cid") ?? "";
    this.count = null;
    this.rates = new Rates();
    this.title = el("bdi", {}, `#${this.cid}`);
    this.summary = el("p", { class: "summary", role: "status" });
    this.facts = new Facts();
    this.subscriptions = new Table("Subscriptions", [
      { label: "Subject", lead: true, cell: (row) => name(row.subject, { sub: row.qgroup ? `queue ${outside(row.qgroup)}` : "" }) },
      { label: "Id", number: true, cell: (row) => name(row.sid) },
      { label: "Delivered", number: true, cell: (row) => growing(row.msgs, row.rates.msgs) },
      { label: "At most", number: true, cell: (row) => (row.max ? number(row.max) : { text: "–" }) },
    ]);
    this.none = el("p", { class: "empty" });
    this.element = el(
      "section",
      { class: "list" },
      el("div", { class: "bar" }, el("h2", {}, "Connection ", this.title), this.summary,
        el("p", {}, el("a", { href: hash("connections") }, "All connections"))),
      this.facts.element,
      el("h3", {}, "Subscriptions"),
      el("div", { class: "panel" }, this.subscriptions.element, this.none),
    );
  }

  async load(signal) {
    const few = this.count !== null && this.count > 0 && this.count <= LISTED_MAX;
    const asked = { cid: this.cid, auth: 1, state: "all", subs: few ? "detail" : "" };
    return await get("connz", asked, signal);
  }

  show(answer) {
    const [row] = answer.connections ?? [];
    if (!row) {
      setText(this.summary, "There is no such connection any more.");
      setText(this.none, "");
      this.subscriptions.show([]);
      this.facts.show([]);
      return false;
    }
    const first = this.count === null;
    this.count = row.subscriptions;
    const time = seconds(answer.now) ?? 0;
    this.rates.begin();
    const rates = this.rates.of("connection", time, counters(row));
    setText(this.title, outside(row.name) || `#${row.cid}`);
    set(this.title, { title: outsideTitle(row.name) });
    setText(this.summary, row.reason ? `closed: ${outside(row.reason)}` : `open for ${row.uptime}`);
    this.facts.show([
      ["cid", { text: String(row.cid) }],
      ["Account", name(row.account || GLOBAL)],
      ["User", name(row.authorized_user)],
      ["Address", name(`${row.ip}:${row.port}`)],
      ["Client", name([row.lang, row.version].filter(Boolean).join(" "))],
      ["TLS", name(row.tls_version ? `${row.tls_version} ${row.tls_cipher_suite ?? ""}` : "none")],
      ["RTT", { text: row.rtt || "–" }],
      ["Idle", { text: row.idle, title: row.last_activity }],
      ["In", growing(row.in_msgs, rates.in_msgs)],
      ["In bytes", growingSize(row.in_bytes, rates.in_bytes)],
      ["Out", growing(row.out_msgs, rates.out_msgs)],
      ["Out bytes", growingSize(row.out_bytes, rates.out_bytes)],
      ["Pending", size(row.pending_bytes)],
      ["Stalled others", number(row.stalls ?? 0)],
    ]);
    const listed = row.subscriptions_list_detail ?? [];
    this.subscriptions.show(
      listed.map((sub) => [sub.sid, { ...sub, rates: this.rates.of(`sub ${sub.sid}`, time, { msgs: sub.msgs }) }]),
    );
    set(this.subscriptions.element, { hidden: listed.length ? null : "" });
    set(this.none, { hidden: listed.length ? "" : null });
    const many = this.count > LISTED_MAX;
    setText(this.none, many ? `${exact(this.count)} subscriptions: too many to list here.` : this.count ? "…" : "No subscriptions.");
    return first && this.count > 0 && !many; // the list is worth another look at once
  }

  restarted() {
    this.rates.clear();
  }
}

/** Names and values, in columns. */
export class Facts {
  constructor() {
    this.element = el("dl", { class: "facts" });
    this.known = new Map();
  }

  show(pairs) {
    const names = new Set(pairs.map(([label]) => label));
    for (const [label, { box }] of this.known) {
      if (!names.has(label)) {
        box.remove();
        this.known.delete(label);
      }
    }
    for (const [label, { text, title, sub, tone }] of pairs) {
      let fact = this.known.get(label);
      if (!fact) {
        const [value, more] = [el("bdi"), el("small")];
        const box = el("div", {}, el("dt", {}, label), el("dd", {}, value, more));
        fact = { box, value, more };
        this.known.set(label, fact);
        this.element.append(box);
      }
      setText(fact.value, text);
      set(fact.value, { title: title ?? null });
      setText(fact.more, sub ?? "");
      set(fact.box, { "data-tone": tone ?? null });
    }
  }
}
