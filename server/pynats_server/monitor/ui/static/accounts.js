// Accounts: their traffic, and what they have in JetStream.

import { growing, growingSize, hash, name, number, size, used } from "./cells.js";
import { outside } from "./dom.js";

const storage = (row) => {
  const jetstream = row.jetstream;
  if (!jetstream) return { text: "off", tone: "quiet", share: 0 };
  return used([
    { what: "of memory", now: jetstream.memory, most: jetstream.max_memory },
    { what: "of storage", now: jetstream.storage, most: jetstream.max_storage },
    { what: "of streams", now: jetstream.streams, most: jetstream.max_streams },
    { what: "of consumers", now: jetstream.consumers, most: jetstream.max_consumers },
  ]);
};

export const accounts = {
  title: "Accounts",
  path: "ui/accounts",
  rows: "rows",
  key: (row) => row.name,
  counters: ({ in_msgs, out_msgs, in_bytes, out_bytes }) => ({ in_msgs, out_msgs, in_bytes, out_bytes }),
  hint: "Name of an account",
  sort: () => "name",
  parameters: () => ({}),
  what: () => "known",
  none: () => "No account is called like that.",
  columns: [
    {
      label: "Account",
      sort: "name",
      lead: true,
      cell: (row) =>
        name(row.tag || row.name, {
          sub: row.is_system ? "system account" : row.tag && row.tag !== row.name ? outside(row.name) : "",
          href: hash("connections", { search: row.name }),
        }),
    },
    {
      label: "Connections",
      sort: "connections",
      number: true,
      cell: (row) => number(row.connections, { sub: `${number(row.total_connections).text} so far` }),
    },
    { label: "Subs", sort: "subscriptions", number: true, cell: (row) => number(row.subscriptions) },
    { label: "In", sort: "in_msgs", number: true, cell: (row) => growing(row.in_msgs, row.rates.in_msgs) },
    { label: "In bytes", sort: "in_bytes", number: true, cell: (row) => growingSize(row.in_bytes, row.rates.in_bytes) },
    { label: "Out", sort: "out_msgs", number: true, cell: (row) => growing(row.out_msgs, row.rates.out_msgs) },
    { label: "Out bytes", sort: "out_bytes", number: true, cell: (row) => growingSize(row.out_bytes, row.rates.out_bytes) },
    {
      label: "Slow",
      sort: "slow_consumers",
      number: true,
      cell: (row) => number(row.slow_consumers, { tone: row.slow_consumers ? "warn" : null }),
    },
    {
      label: "Streams",
      number: true,
      cell: (row) =>
        row.jetstream
          ? number(row.jetstream.streams, {
              href: hash("streams", { acc: row.name }),
              sub: size(row.jetstream.storage + row.jetstream.memory).text,
            })
          : { text: "–" },
    },
    { label: "Limits used", cell: storage },
  ],
};
