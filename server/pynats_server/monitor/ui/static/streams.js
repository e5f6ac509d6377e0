// Streams of all accounts, or of one.

import { el, outside, outsideTitle } from "./dom.js";
import { exact } from "./format.js";
import { account, GLOBAL, growing, growingSize, hash, moment, number, used } from "./cells.js";

/** Says that a list is of one account, and how to see the others. */
export function scope(note, view, words) {
  const said = JSON.stringify([view, words]);
  if (note.dataset.said === said) return;
  note.dataset.said = said;
  note.replaceChildren();
  if (words) note.append(el("p", {}, words, " ", el("a", { href: hash(view) }, "Show all")));
}

const subjects = ({ subjects: first, more_subjects: more }) =>
  first.join(" ") + (more ? ` … and ${exact(more)} more` : "");

export const streams = {
  title: "Streams",
  path: "ui/streams",
  rows: "rows",
  key: (row) => JSON.stringify([row.account, row.name]),
  counters: ({ last_seq, bytes }) => ({ last_seq, bytes }),
  hint: "Name of a stream",
  sort: () => "name",
  parameters: (state) => ({ acc: state.get("acc") ?? "", stream: state.get("stream") ?? "" }),
  what: (state) => (state.get("search") ? "found" : "in all"),
  none: (state) => (state.get("search") ? "No stream is called like that." : "No streams."),
  note(note, state) {
    const of = state.get("acc");
    scope(note, "streams", of ? `Of account ${outside(of)}.` : "");
  },
  columns: [
    {
      label: "Stream",
      sort: "name",
      lead: true,
      cell: (row) => ({
        text: outside(row.name),
        title: `${outsideTitle(row.name)}\n${outsideTitle(subjects(row))}`,
        sub: row.account === GLOBAL ? outside(subjects(row)) : account(row.account, row.tag).text,
        subTitle: outsideTitle(subjects(row)),
        href: hash("consumers", { acc: row.account, stream: row.name }),
      }),
    },
    { label: "Messages", sort: "messages", number: true, cell: (row) => growing(row.messages, row.rates.last_seq) },
    { label: "Bytes", sort: "bytes", number: true, cell: (row) => growingSize(row.bytes, row.rates.bytes) },
    {
      label: "First",
      sort: "oldest",
      number: true,
      cell: (row) => ({ ...moment(row.first_ts, row.now), sub: `#${number(row.first_seq).text}`, subTitle: number(row.first_seq).title }),
    },
    {
      label: "Last",
      sort: "last_seq",
      number: true,
      cell: (row) => ({ ...moment(row.last_ts, row.now), sub: `#${number(row.last_seq).text}`, subTitle: number(row.last_seq).title }),
    },
    {
      label: "Consumers",
      sort: "consumers",
      number: true,
      cell: (row) => number(row.consumers, { href: hash("consumers", { acc: row.account, stream: row.name }) }),
    },
    {
      label: "Limits used",
      sort: "used",
      number: true,
      cell: (row) =>
        used([
          { what: "of messages", now: row.messages, most: row.max_messages },
          { what: "of bytes", now: row.bytes, most: row.max_bytes },
          { what: "of consumers", now: row.consumers, most: row.max_consumers },
        ]),
    },
    {
      label: "Warnings",
      sort: "warnings",
      number: true,
      cell: (row) =>
        row.warnings.length
          ? { text: String(row.warnings.length), title: outsideTitle(row.warnings.join("\n")), sub: outside(row.warnings[0]), tone: "bad" }
          : { text: "–", tone: "quiet" },
    },
  ],
};
