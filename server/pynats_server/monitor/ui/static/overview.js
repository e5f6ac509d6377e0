// The server at a glance.

import { get } from "./api.js";
import { Chart } from "./chart.js";
import { number, size } from "./cells.js";
import { Facts } from "./connection.js";
import { el, outside, outsideTitle, set, setText } from "./dom.js";
import { byteRate, bytes, count, exact, exactBytes, percent, rate } from "./format.js";
import { bar, setBar } from "./table.js";

const SPAN_S = 300; // shown in charts at most
const SPAN_MIN_S = 60;
const REASONS_MAX = 50;
const orDash = (format) => (value) => (value === null ? "–" : format(value));

const CHARTS = [
  ["in_msgs", "Messages in", rate],
  ["out_msgs", "Messages out", rate],
  ["in_bytes", "Bytes in", byteRate],
  ["out_bytes", "Bytes out", byteRate],
  ["cpu", "Processor", orDash((value) => `${value.toFixed(1)} %`)],
  ["mem", "Memory", orDash(bytes), exactBytes],
  ["connections", "Connections", orDash(count), exact],
  ["subscriptions", "Subscriptions", orDash(count), exact],
];

export class OverviewView {
  constructor() {
    this.charts = CHARTS.map(([key, title, format, exactly]) => [key, new Chart(title, format), exactly]);
    this.limits = el("ul", { class: "limits" });
    this.reasons = el("ul", { class: "reasons" });
    this.server = new Facts();
    this.jetstream = new Facts();
    const panel = (title, ...inside) => el("section", { class: "card" }, el("h2", {}, title), ...inside);
    this.element = el(
      "div",
      { class: "overview" },
      el("div", { class: "charts" }, ...this.charts.map(([, chart]) => chart.element)),
      el(
        "div",
        { class: "cards" },
        panel("Health", this.reasons),
        panel("Limits used", this.limits),
        panel("JetStream", this.jetstream.element),
        panel("Server", this.server.element),
      ),
    );
    this.bars = new Map();
    this.said = null;
  }

  async load(signal) {
    return await get("jsz", {}, signal);
  }

  show(jetstream, { general, history, health }) {
    const span = Math.min(SPAN_S, Math.max(SPAN_MIN_S, history.seconds));
    for (const [key, chart, exactly] of this.charts) chart.draw(history.points(key), span, exactly);
    this.#health(health);
    this.#limits(general);
    this.#server(general);
    this.#jetstream(jetstream);
  }

  #health(health) {
    if (!health) return;
    const said = JSON.stringify(health);
    if (said === this.said) return;
    this.said = said;
    const line = (tone, text) =>
      el("li", { "data-tone": tone, title: outsideTitle(text) }, outside(text));
    const found = [
      ...(health.errors ?? []).map(({ error }) => line("bad", error)),
      ...(health.warnings ?? []).map(({ error }) => line("warn", error)),
    ];
    if (health.error) found.push(line("bad", health.error));
    const more = found.length - REASONS_MAX;
    if (more > 0) found.splice(REASONS_MAX, more, line("quiet", `… and ${exact(more)} more: /healthz?details=1 has all`));
    if (!found.length) found.push(line("good", "All is well: the server takes connections, streams can be written and read."));
    this.reasons.replaceChildren(...found);
  }

  #limits(general) {
    const { config, stats } = general.jetstream ?? {};
    const rows = [{ what: "Connections", now: general.connections, most: general.max_connections, shown: exact }];
    if (config) {
      rows.push(
        { what: "JetStream memory", now: stats.memory, most: config.max_memory, shown: bytes },
        { what: "JetStream storage", now: stats.storage, most: config.max_storage, shown: bytes },
        { what: "Reserved memory", now: stats.reserved_memory, most: config.max_memory, shown: bytes },
        { what: "Reserved storage", now: stats.reserved_storage, most: config.max_storage, shown: bytes },
      );
    }
    for (const { what, now, most, shown } of rows) {
      let parts = this.bars.get(what);
      if (!parts) {
        parts = { share: el("strong"), exact: el("small"), bar: bar() };
        this.bars.set(what, parts);
        this.limits.append(
          el("li", {}, el("span", {}, what), parts.share, parts.bar, parts.exact),
        );
      }
      const share = most > 0 ? now / most : 0;
      setText(parts.share, most > 0 ? percent(share) : "no limit");
      setText(parts.exact, most > 0 ? `${shown(now)} of ${shown(most)}` : shown(now));
      set(parts.exact, { title: most > 0 ? `${exact(now)} of ${exact(most)}` : exact(now) });
      setBar(parts.bar, share);
    }
  }

  #server(general) {
    const warn = (value) => (value ? { tone: "warn" } : {});
    this.server.show([
      ["Version", { text: general.go, title: `protocol level of nats-server ${general.version}` }],
      ["Id", { text: outside(general.server_id), title: outsideTitle(general.server_id) }],
      ["Clients' address", { text: `${outside(general.host)}:${general.port}` }],
      ["Cores", { text: `${general.gomaxprocs} of ${general.cores}` }],
      ["Connections so far", number(general.total_connections)],
      ["Slow consumers", number(general.slow_consumers, warn(general.slow_consumers))],
      ["Held back", number(general.stalled_clients, warn(general.stalled_clients))],
      ["Stale connections", number(general.stale_connections, warn(general.stale_connections))],
      ["Messages in", number(general.in_msgs)],
      ["Messages out", number(general.out_msgs)],
      ["Bytes in", size(general.in_bytes)],
      ["Bytes out", size(general.out_bytes)],
      ["Largest message", size(general.max_payload)],
      ["Configuration loaded", { text: general.config_load_time.slice(0, 19).replace("T", " "), title: general.config_load_time }],
    ]);
  }

  #jetstream(found) {
    if (found.disabled) {
      this.jetstream.show([["State", { text: "off", tone: "quiet" }]]);
      return;
    }
    this.jetstream.show([
      ["Accounts", number(found.accounts)],
      ["Streams", number(found.streams)],
      ["Consumers", number(found.consumers)],
      ["Messages", number(found.messages)],
      ["Bytes", size(found.bytes)],
      ["API requests", number(found.api.total)],
      ["API errors", number(found.api.errors, found.api.errors ? { tone: "warn" } : {})],
      ["Domain", { text: outside(found.config.domain ?? "") || "–" }],
    ]);
  }

  restarted() {}
}

