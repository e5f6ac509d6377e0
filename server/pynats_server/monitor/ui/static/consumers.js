// Consumers: of a stream, or of all.

import { account, GLOBAL, growing, hash, moment, number, used } from "./cells.js";
import { outside, outsideTitle } from "./dom.js";
import { scope } from "./streams.js";

export const consumers = {
  title: "Consumers",
  path: "ui/consumers",
  rows: "rows",
  key: (row) => JSON.stringify([row.account, row.stream, row.name]),
  counters: ({ deliveries, redeliveries }) => ({ deliveries, redeliveries }),
  hint: "Name of a consumer",
  sort: (state) => (state.get("stream") ? "name" : "lag"),
  parameters: (state) => ({ acc: state.get("acc") ?? "", stream: state.get("stream") ?? "" }),
  what: (state) => (state.get("search") ? "found" : "in all"),
  none: (state) => (state.get("search") ? "No consumer is called like that." : "No consumers."),
  note(note, state) {
    const stream = state.get("stream");
    const of = state.get("acc");
    const where = of && of !== GLOBAL ? ` of account ${outside(of)}` : "";
    scope(note, "consumers", stream ? `Of stream ${outside(stream)}${where}.` : "");
  },
  columns: [
    {
      label: "Consumer",
      sort: "name",
      lead: true,
      cell: (row) => ({
        text: outside(row.name),
        title: outsideTitle(row.name),
        sub: outside(row.stream) + (row.account === GLOBAL ? "" : ` in ${account(row.account, row.tag).text}`),
        subTitle: outsideTitle(`${row.stream} in ${row.account}`),
        href: hash("consumers", { acc: row.account, stream: row.stream, search: row.name }),
      }),
    },
    {
      label: "Lag",
      sort: "lag",
      number: true,
      cell: (row) => number(row.lag, { sub: `${number(row.pending).text} to deliver`, subTitle: number(row.pending).title }),
    },
    {
      label: "Unacked",
      sort: "ack_pending",
      number: true,
      cell: (row) => ({
        ...used([{ what: "of max_ack_pending", now: row.ack_pending, most: row.max_ack_pending }]),
        ...number(row.ack_pending),
      }),
    },
    {
      label: "Redelivered",
      sort: "redelivered",
      number: true,
      cell: (row) =>
        number(row.redelivered, {
          sub: `${number(row.redeliveries).text} in all`,
          subTitle: number(row.redeliveries).title,
          tone: row.redelivered ? "warn" : null,
        }),
    },
    { label: "Deliveries", sort: "deliveries", number: true, cell: (row) => growing(row.deliveries, row.rates.deliveries) },
    {
      label: "Delivered up to",
      sort: "delivered",
      number: true,
      cell: (row) => ({
        text: `#${number(row.delivered_seq).text}`,
        title: number(row.delivered_seq).title,
        sub: moment(row.delivered_ts, row.now).text,
        subTitle: row.delivered_ts || "never",
      }),
    },
    {
      label: "Acked up to",
      number: true,
      cell: (row) => ({
        text: `#${number(row.acked_seq).text}`,
        title: number(row.acked_seq).title,
        sub: moment(row.acked_ts, row.now).text,
        subTitle: row.acked_ts || "never",
      }),
    },
    {
      label: "Waiting pulls",
      number: true,
      cell: (row) => (row.paused ? { text: "paused", tone: "warn" } : number(row.waiting)),
    },
  ],
};
