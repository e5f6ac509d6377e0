// The page: which view is shown, what is asked of the server, and what is said when it is not there.

import { accounts } from "./accounts.js";
import { get } from "./api.js";
import { hash } from "./cells.js";
import { ConnectionView } from "./connection.js";
import { connections } from "./connections.js";
import { consumers } from "./consumers.js";
import { el, outside, outsideTitle, set, setText } from "./dom.js";
import { duration, seconds } from "./format.js";
import { History } from "./history.js";
import { ListView } from "./list.js";
import { OverviewView } from "./overview.js";
import { Poll } from "./poll.js";
import { SlowView } from "./slow.js";
import { streams } from "./streams.js";

const HEALTH_MS = 10000; // between two looks at it: it reads folders
const NOTICE_MS = 15000;
const list = (kind) => (state) => new ListView(kind, state, go);
const VIEWS = {
  overview: ["Overview", () => new OverviewView()],
  connections: ["Connections", list(connections)],
  slow: ["Slow consumers", () => new SlowView()],
  accounts: ["Accounts", list(accounts)],
  streams: ["Streams", list(streams)],
  consumers: ["Consumers", list(consumers)],
};
const INSIDE = { connection: ["Connection", (state) => new ConnectionView(state), "connections"] };

const part = (id) => document.getElementById(id);
const history = new History();
let shown = { name: "", view: null, title: "" };
let general = null;
let health = null;
let healthAt = -Infinity;
let noticeEnds = 0;

const links = Object.entries(VIEWS).map(([name, [title]]) => [name, el("a", { href: hash(name) }, title)]);
part("views").append(...links.map(([, link]) => link));

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is the view's
  part("main").focus();
});
const poll = new Poll(look);
window.addEventListener("hashchange", route);
route();

/** Shows what the fragment names. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const name = [VIEWS, INSIDE].some((views) => Object.hasOwn(views, path)) ? path : "overview";
  const state = new URLSearchParams(query ?? "");
  const [title, make, within] = VIEWS[name] ?? INSIDE[name];
  if (shown.name === name && shown.view.update) shown.view.update(state);
  else {
    shown = { name, view: make(state), title };
    part("main").replaceChildren(shown.view.element);
    window.scrollTo(0, 0);
  }
  for (const [each, link] of links) {
    const current = each === (within ?? name);
    set(link, { "aria-current": current ? "page" : null });
    if (current) part("views").scrollLeft = link.offsetLeft - part("views").offsetLeft - 60;
  }
  entitle();
  poll.now();
}

/** Goes to another part of the list that is shown. */
function go(state, inPlace) {
  const target = hash(shown.name, Object.fromEntries(state));
  if (inPlace) {
    window.history.replaceState(null, "", target);
    route();
  } else location.hash = target;
}

function entitle() {
  document.title = `${shown.title} · ${outside(general?.server_name ?? "pynats-server")}`;
}

/** Asks once, and shows the answers. Resolves to whether they came. */
async function look(signal) {
  const asked = shown;
  try {
    const [found, answer] = await Promise.all([get("varz", {}, signal), asked.view.load(signal), checked(signal)]);
    if (signal.aborted || asked !== shown) return true;
    take(found);
    const again = asked.view.show(answer, { general, history, health });
    head();
    connected();
    if (again === true) queueMicrotask(() => poll.now());
    return true;
  } catch (error) {
    if (!signal.aborted) lost(error);
    return false;
  }
}

async function checked(signal) {
  if (performance.now() - healthAt < HEALTH_MS) return;
  health = await get("healthz", { details: 1 }, signal, [400, 404, 500, 503]);
  healthAt = performance.now();
}

/** Takes in what the server says of itself; a new one begins anew. */
function take(found) {
  if (general && (general.server_id !== found.server_id || general.start !== found.start)) {
    history.restarted();
    shown.view.restarted();
    healthAt = -Infinity;
    notice(`The server was started again ${duration(seconds(found.now) - seconds(found.start))} ago.`);
  }
  general = found;
  history.add(found);
}

function head() {
  setText(part("server-name"), outside(general.server_name));
  set(part("server-name"), { title: outsideTitle(general.server_name) });
  const up = duration(seconds(general.now) - seconds(general.start));
  setText(part("server-about"), `${general.go} · up ${up}`);
  set(part("server-about"), { title: `started ${general.start}` });
  entitle();
  const badge = part("health");
  const wrong = (health?.errors?.length ?? 0) + (health?.error ? 1 : 0);
  const warnings = health?.warnings?.length ?? 0;
  set(badge, { hidden: health ? null : "", "data-tone": wrong ? "bad" : warnings ? "warn" : "good" });
  const words = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  setText(badge, wrong ? words(wrong, "problem") : warnings ? words(warnings, "warning") : "Healthy");
}

function connected() {
  document.body.classList.remove("lost");
  setText(part("link"), "Live");
  set(part("link"), { "data-tone": "good" });
  if (performance.now() > noticeEnds) set(part("notice"), { hidden: "" });
}

function notice(text, tone = "info", stays_ms = NOTICE_MS) {
  setText(part("notice"), text);
  set(part("notice"), { hidden: null, "data-tone": tone });
  noticeEnds = performance.now() + stays_ms;
}

/** Says why there is nothing new. */
function lost(error) {
  const { status, message } = error;
  if (status === undefined) console.error(error);
  document.body.classList.add("lost");
  history.gap();
  const said = {
    undefined: ["Error", `This page has a fault: ${outside(message)}`],
    0: ["Lost", "The server does not answer. What you see is old; it is asked again."],
    401: ["Logged out", "The server wants other credentials. Load the page again to log in."],
    404: ["Off", "The dashboard was switched off on this server."],
  };
  const [word, text] = said[status] ?? ["Refused", `The server refused: ${outside(message)}`];
  setText(part("link"), word);
  set(part("link"), { "data-tone": "bad" });
  notice(text, "bad", 0);
}
