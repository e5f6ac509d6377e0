// Connections, open and closed, by pages of /connz.

import { account, growing, growingSize, hash, moment, name, number, size } from "./cells.js";
import { outside, outsideTitle } from "./dom.js";

export const counters = (row) => ({
  in_msgs: row.in_msgs,
  out_msgs: row.out_msgs,
  in_bytes: row.in_bytes,
  out_bytes: row.out_bytes,
});

export const lead = {
  label: "Connection",
  sort: "cid",
  lead: true,
  cell: (row) => ({
    text: outside(row.name) || `${row.ip}:${row.port}`,
    title: outsideTitle(row.name) || `${row.ip}:${row.port}`,
    sub: `#${row.cid}  ${outside([row.lang, row.version].filter(Boolean).join(" "))}`,
    subTitle: `cid ${row.cid}`,
    href: hash("connection", { cid: row.cid }),
  }),
};

export const who = {
  label: "Account, user",
  cell: (row) => ({
    ...account(row.account, row.name_tag),
    sub: outside(row.authorized_user),
    subTitle: outsideTitle(row.authorized_user),
  }),
};

export const pending = {
  label: "Pending",
  sort: "pending",
  number: true,
  cell: (row) => size(row.pending_bytes, { tone: row.pending_bytes > 0 ? "warn" : null }),
};

const lasts = {
  label: "Idle",
  sort: "last",
  cell: (row) =>
    row.reason
      ? { ...name(row.reason), sub: moment(row.stop, row.now).text, subTitle: row.stop }
      : { text: row.idle, title: `last active ${row.last_activity}`, sub: row.rtt ? `RTT ${row.rtt}` : "" },
};

export const connections = {
  title: "Connections",
  path: "connz",
  rows: "connections",
  key: (row) => String(row.cid),
  counters,
  hint: "Name, account, user, address, cid",
  choices: [
    { name: "state", label: "State", options: [["", "Open"], ["closed", "Closed"], ["all", "All"]] },
  ],
  sort: (state) => (state.get("state") === "closed" ? "stop" : "cid"),
  parameters: (state) => ({ auth: 1, state: state.get("state") ?? "" }),
  what: (state) => ({ closed: "closed", all: "open and closed" })[state.get("state")] ?? "open",
  none: (state) => (state.get("search") ? "No connection is like that." : "No connections."),
  columns: [
    lead,
    who,
    {
      label: "Address",
      cell: (row) => ({ text: `${outside(row.ip)}:${row.port}`, sub: row.tls_version ? `TLS ${row.tls_version}` : "" }),
    },
    { label: "In", sort: "msgs_from", number: true, cell: (row) => growing(row.in_msgs, row.rates.in_msgs) },
    { label: "In bytes", sort: "bytes_from", number: true, cell: (row) => growingSize(row.in_bytes, row.rates.in_bytes) },
    { label: "Out", sort: "msgs_to", number: true, cell: (row) => growing(row.out_msgs, row.rates.out_msgs) },
    { label: "Out bytes", sort: "bytes_to", number: true, cell: (row) => growingSize(row.out_bytes, row.rates.out_bytes) },
    pending,
    { label: "Subs", sort: "subs", number: true, cell: (row) => number(row.subscriptions) },
    lasts,
  ],
};

