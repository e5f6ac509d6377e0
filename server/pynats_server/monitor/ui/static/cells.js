// Cells that several tables have.

import { outside, outsideTitle } from "./dom.js";
import { ago, byteRate, bytes, count, exact, exactBytes, percent, rate } from "./format.js";

export const GLOBAL = "$G";

export const name = (text, more = {}) => ({ text: outside(text) || "–", title: outsideTitle(text), ...more });
export const number = (value, more = {}) => ({ text: count(value), title: exact(value), ...more });
export const size = (value, more = {}) => ({ text: bytes(value), title: exactBytes(value), ...more });

/** A number that grows, and how fast. */
export const growing = (value, perSecond) =>
  number(value, { sub: perSecond ? rate(perSecond) : "", subTitle: "per second, between the last two looks" });
export const growingSize = (value, perSecond) =>
  size(value, { sub: perSecond ? byteRate(perSecond) : "", subTitle: "per second, between the last two looks" });

/** When something was, seen from now. */
export const moment = (time, now) => ({ text: ago(time, now), title: time || "never" });

/** How much of a limit is used; `most` below 1 is none. */
export function used(pairs) {
  const known = pairs.filter(({ most }) => most > 0);
  if (!known.length) return { text: "no limit", tone: "quiet", share: 0 };
  const top = known.reduce((a, b) => (b.now / b.most > a.now / a.most ? b : a));
  const share = top.now / top.most;
  const title = known.map(({ what, now, most }) => `${what}: ${exact(now)} of ${exact(most)}`).join("\n");
  return { text: `${percent(share)} ${top.what}`, title, share };
}

export const account = (id, tag) => ({
  text: outside(tag || id || GLOBAL),
  title: outsideTitle(id || GLOBAL),
});

/** The address of a view. */
export function hash(view, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const text = query.toString();
  return `#/${view}${text ? `?${text}` : ""}`;
}
