// Who reads too slowly: those that are behind now, and those that were cut for it.

import { get } from "./api.js";
import { growing, moment, name, number, size } from "./cells.js";
import { counters, lead, pending, who } from "./connections.js";
import { el, set, setText } from "./dom.js";
import { exact, seconds } from "./format.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";

const SHOWN = 25;

const reading = { label: "Out", number: true, cell: (row) => growing(row.out_msgs, row.rates?.out_msgs ?? null) };
const stalls = {
  label: "Stalled others",
  number: true,
  cell: (row) => number(row.stalls ?? 0, { tone: row.stalls ? "warn" : null }),
};

export class SlowView {
  constructor() {
    this.rates = new Rates();
    this.summary = el("p", { class: "summary", role: "status" });
    this.now = new Table("Connections with most to read", [
      lead, who, pending, stalls, reading,
      { label: "Idle", cell: (row) => ({ text: row.idle, title: row.last_activity }) },
    ]);
    this.cut = new Table("Connections that were cut", [
      lead, who,
      { label: "Reason", cell: (row) => name(row.reason) },
      { label: "When", number: true, cell: (row) => moment(row.stop, row.now) },
      { label: "Left unread", number: true, cell: (row) => size(row.pending_bytes) },
      { label: "Out", number: true, cell: (row) => number(row.out_msgs) },
    ]);
    this.noneNow = el("p", { class: "empty" }, "Everybody has read what there is.");
    this.noneCut = el("p", { class: "empty" }, "Nobody was cut for reading slowly.");
    this.element = el(
      "section",
      { class: "list" },
      el("div", { class: "bar" }, el("h2", {}, "Slow consumers"), this.summary),
      el("h3", {}, "Behind now"),
      el("div", { class: "panel" }, this.now.element, this.noneNow),
      el("h3", {}, "Cut lately"),
      el("div", { class: "panel" }, this.cut.element, this.noneCut),
    );
  }

  async load(signal) {
    const [now, cut] = await Promise.all([
      get("connz", { sort: "pending", limit: SHOWN, auth: 1 }, signal),
      get("connz", { state: "closed", sort: "stop", search: "slow consumer", limit: SHOWN, auth: 1 }, signal),
    ]);
    return { now, cut };
  }

  show({ now, cut }, { general }) {
    this.rates.begin();
    const time = seconds(now.now) ?? 0;
    const behind = now.connections
      .filter((row) => row.pending_bytes > 0)
      .map((row) => [String(row.cid), { ...row, now: now.now, rates: this.rates.of(row.cid, time, counters(row)) }]);
    const gone = cut.connections
      .filter((row) => row.reason.startsWith("Slow Consumer"))
      .map((row) => [String(row.cid), { ...row, now: cut.now }]);
    this.now.show(behind);
    this.cut.show(gone);
    set(this.now.element, { hidden: behind.length ? null : "" });
    set(this.noneNow, { hidden: behind.length ? "" : null });
    set(this.cut.element, { hidden: gone.length ? null : "" });
    set(this.noneCut, { hidden: gone.length ? "" : null });
    setText(
      this.summary,
      `${exact(general.slow_consumers)} cut since the start, ${exact(general.stalled_clients)} times somebody was held back`,
    );
  }

  restarted() {
    this.rates.clear();
  }
}
