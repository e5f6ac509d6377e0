// The server's JSON. Addresses are relative to this file, so any prefix before them stays.

const ROOT = new URL("..", import.meta.url);
ROOT.username = ROOT.password = ""; // who came with `user:password@` is logged in; fetch refuses these
const PATIENCE_MS = 15000;

/** An answer that is none: 401 and the like. Status 0: nobody answered. */
export class Failed extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** The address of an endpoint. */
export function address(path, parameters = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** What an endpoint answers. `accepted`: other statuses that come with JSON. */
export async function get(path, parameters, signal, accepted = []) {
  const both = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  let response;
  try {
    response = await fetch(address(path, parameters), { cache: "no-store", signal: both });
    if (response.ok || accepted.includes(response.status)) return await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Failed(0, "no answer");
  }
  const text = (await response.text().catch(() => "")).trim();
  throw new Failed(response.status, text || `status ${response.status}`);
}
