// Elements. Whatever comes from the server is only ever text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";
const SHOWN_MAX = 200;
const TITLE_MAX = 1000;
// Controls, and what makes text run backwards, has no width or breaks lines.
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function visible(text, most) {
  const points = [...text.slice(0, 2 * most + 2)];
  const short = points.length > most ? points.slice(0, most).join("") + "…" : text;
  return short.replace(UNSEEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
}

/** Somebody else's text, cut to what a cell can hold, with nothing in it that cannot be seen. */
export function outside(text) {
  return visible(String(text ?? ""), SHOWN_MAX);
}

/** The same for a tooltip, which has more room. */
export function outsideTitle(text) {
  return visible(String(text ?? ""), TITLE_MAX);
}

/** An element with attributes and children: elements, or strings, which become text. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  set(made, attributes);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  made.append(...children);
  return made;
}

/** Sets attributes; null removes one. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/** Changes text only if it is another, so that selections stay. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
