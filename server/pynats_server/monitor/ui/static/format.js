// Numbers and times for people. The exact value goes into a title.

const EXACT = new Intl.NumberFormat("en-US");
const COUNTS = ["", "k", "M", "G", "T", "P"];
const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function scaled(value, base, units, gap) {
  let rest = Math.abs(value);
  let unit = 0;
  while (rest >= base && unit < units.length - 1) {
    rest /= base;
    unit += 1;
  }
  const whole = unit === 0 && Number.isInteger(rest);
  const digits = whole || rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
  return `${value < 0 ? "-" : ""}${rest.toFixed(digits)}${units[unit] ? gap + units[unit] : ""}`;
}

export const exact = (value) => EXACT.format(value);
export const count = (value) =>
  Math.abs(value) < 10000 && Number.isInteger(value) ? exact(value) : scaled(value, 1000, COUNTS, "");
export const bytes = (value) => scaled(value, 1024, SIZES, " ");
export const exactBytes = (value) => `${exact(value)} bytes`;
export const percent = (share) => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;

/** Per second; null is not known yet. */
export const rate = (value) => (value === null ? "–" : `${count(round(value))}/s`);
export const byteRate = (value) => (value === null ? "–" : `${bytes(round(value))}/s`);

function round(value) {
  return Math.abs(value) >= 10 || value === 0 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** A length of time in its two largest units. */
export function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  if (seconds < 1) return seconds <= 0 ? "0 s" : "< 1 s";
  const at = units.findIndex(([, size]) => seconds >= size);
  const [name, size] = units[at];
  const first = `${Math.floor(seconds / size)} ${name}`;
  if (at === units.length - 1) return first;
  const [next, small] = units[at + 1];
  const rest = Math.floor((seconds % size) / small);
  return rest ? `${first} ${rest} ${next}` : first;
}

/** Seconds since 1970 of a server's time; null for none. */
export function seconds(text) {
  const found = Date.parse(text);
  return !text || text.startsWith("0001") || Number.isNaN(found) ? null : found / 1000;
}

/** How long ago a time was by the server's own clock. */
export function ago(text, now) {
  const [then, current] = [seconds(text), seconds(now)];
  return then === null || current === null ? "–" : `${duration(Math.max(0, current - then))} ago`;
}
