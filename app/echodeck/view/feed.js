// The live data of one page. A board holds whole values by kind and key, assigned by the routing table that Python
// hands over; those who watch are told at most once a frame. Where messages come from is link.js's business.

// A page may stay open for weeks: of these kinds only the newest records are kept.
const CAPS = { logs: 2000, messages: 500, previews: 64 };

// The hub ends a connection that brings more in one message; sent again after each reconnect, it would do so for ever.
const MOST_BYTES = 1000000;

class Board {
  constructor(table = { routes: {}, initial: {}, removed: [] }) {
    this.table = table;
    this.kinds = new Map();
    this.seq = 0;
    this.hub = "";
  }

  all(kind) {
    if (!this.kinds.has(kind)) this.kinds.set(kind, new Map());
    return this.kinds.get(kind);
  }

  get(kind, key = "") {
    return this.all(kind).get(key);
  }

  // Returns what changed, as [kind, key] pairs.
  apply(message) {
    const payload = message.payload ?? {};
    if (message.type === "initial_state") return this.#restart(payload);
    if (typeof message.seq === "number") this.seq = Math.max(this.seq, message.seq);
    const [kind, keyField] = Object.hasOwn(this.table.routes, message.type) ? this.table.routes[message.type] : [""];
    if (!kind) return [];
    const key = keyField ? String(payload[keyField] ?? "") : "";
    if (this.table.removed.includes(message.type)) this.all(kind).delete(key);
    else this.#put(kind, key, payload);
    return [[kind, key]];
  }

  #put(kind, key, value) {
    const records = this.all(kind);
    records.delete(key); // so that the order stays the order of change
    records.set(key, value);
    if (records.size > (CAPS[kind] ?? Infinity)) records.delete(records.keys().next().value);
  }

  #restart(state) {
    this.seq = Number(state.seq ?? 0);
    this.hub = String(state.hub ?? "");
    const changed = [];
    const put = (kind, key, value) => { this.#put(kind, key, value); changed.push([kind, key]); };
    for (const [field, [kind, keyField]] of Object.entries(this.table.initial)) {
      const fresh = new Map((state[field] ?? []).map((item) => [String(item[keyField]), item]));
      for (const gone of [...this.all(kind).keys()].filter((key) => !fresh.has(key))) {
        this.all(kind).delete(gone);
        changed.push([kind, gone]);
      }
      fresh.forEach((item, key) => put(kind, key, item));
    }
    if (state.queue !== undefined) put("queue", "", state.queue);
    if (state.metrics !== undefined) put("metrics", "", { metrics: state.metrics });
    const users = state.users ?? [];
    put("presence", "", { users, watching: state.watching ?? users.length });
    return changed;
  }
}

// One reader of the hub for the whole page; components find it by name through `feedOf`.
class Feed {
  constructor() {
    this.board = new Board();
    this.link = null;
    this.info = {}; // what the page's Channel says of itself: base address, versions, transport
    this.status = { state: "connecting", latencyMs: null, nextTryAt: null, attempts: 0, reason: "", hub: null };
    this.offsetMs = 0; // the hub's clock minus ours
    this.watchers = new Set();
    this.listeners = new Map();
    this.calls = new Map();
    this.pending = null;
    this.prefix = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join("");
    this.counter = 0;
    setInterval(() => this.#tell("tick"), 500);
  }

  attach(table, link) {
    if (this.link) return; // the page's channel was drawn again; the connection lives on
    this.board.table = table;
    this.link = link;
    link.start();
  }

  now() {
    return Date.now() + this.offsetMs;
  }

  receive(messages) {
    for (const message of messages) {
      if (message.type === "ack" || message.type === "error") this.#answer(message);
      if (message.type === "initial_state") this.#told(message.payload);
      for (const [kind, key] of this.board.apply(message)) this.touch(kind, key);
      for (const listen of this.listeners.get(message.type) ?? []) this.#safely(() => listen(message.payload,
        message));
    }
  }

  #told(state) {
    const { hub, version, now, protocol } = state;
    this.setStatus({ hub: { id: hub, version, protocol, startedBy: now } });
  }

  setStatus(change) {
    this.status = { ...this.status, ...change };
    this.touch("connection", "");
  }

  // draw(changed) is called soon, and once a frame whenever one of these kinds has changed; `changed` maps a kind to
  // the keys that did, and has every kind the first time. Returns a function that ends it.
  watch(kinds, draw) {
    const watcher = { kinds, draw, changed: new Map() };
    this.watchers.add(watcher);
    for (const kind of kinds) watcher.changed.set(kind, new Set(this.board.all(kind).keys()));
    this.#schedule();
    return () => this.watchers.delete(watcher);
  }

  // listen(payload, message) for every message of a type, also those that are no record; "tick" comes twice a second.
  on(type, listen) {
    if (!this.listeners.has(type)) this.listeners.set(type, new Set());
    this.listeners.get(type).add(listen);
    return () => this.listeners.get(type).delete(listen);
  }

  touch(kind, key) {
    for (const watcher of this.watchers) {
      if (!watcher.kinds.includes(kind)) continue;
      if (!watcher.changed.has(kind)) watcher.changed.set(kind, new Set());
      watcher.changed.get(kind).add(key);
    }
    this.#schedule();
  }

  #schedule() {
    if (this.pending) return;
    // A hidden tab gets no animation frames, but its title still counts up; a shown one may be hidden meanwhile.
    const frame = document.hidden ? null : requestAnimationFrame(() => this.#draw());
    const timer = setTimeout(() => this.#draw(), document.hidden ? 500 : 1000);
    this.pending = { frame, timer };
  }

  #draw() {
    if (!this.pending) return;
    // The two kinds of ids overlap: clearing a frame's as a timer's would stop some other timer.
    if (this.pending.frame !== null) cancelAnimationFrame(this.pending.frame);
    clearTimeout(this.pending.timer);
    this.pending = null;
    for (const watcher of [...this.watchers]) {
      if (!watcher.changed.size) continue;
      const changed = watcher.changed;
      watcher.changed = new Map();
      this.#safely(() => watcher.draw(changed));
    }
  }

  #tell(type) {
    for (const listen of this.listeners.get(type) ?? []) this.#safely(() => listen());
  }

  // One component that cannot draw must not stop the others.
  #safely(act) {
    try {
      act();
    } catch (error) {
      console.error("echodeck:", error);
    }
  }

  // A command; resolves with the hub's result once it is durable, rejects with {code, message, field}. It is sent again
  // after a reconnect under the same id, so it has one effect.
  call(type, payload = {}, timeoutMs = 20000) {
    this.counter += 1;
    const id = `${this.prefix}-${this.counter}`;
    const frame = { type, payload, id, timestamp: new Date().toISOString() };
    if (new TextEncoder().encode(JSON.stringify(frame)).length > MOST_BYTES) {
      return Promise.reject({ id, code: "bad_field", message: "That is too long to be sent; shorten it." });
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#answer({ type: "error", payload: {
        id, code: "hub_unreachable",
          message: "The hub has not answered; look whether it happened before trying again.",
      } }), timeoutMs);
      this.calls.set(id, { frame, resolve, reject, timer });
      if (this.link) this.link.send(frame);
    });
  }

  outstanding() {
    return [...this.calls.values()].map((call) => call.frame);
  }

  #answer({ type, payload }) {
    const call = this.calls.get(payload?.id);
    if (!call) return;
    this.calls.delete(payload.id);
    clearTimeout(call.timer);
    if (type === "ack") call.resolve(payload.result ?? {});
    else call.reject(payload);
  }

  // The address of something the hub serves, or "" where the browser has no way to it (a notebook, a report).
  url(path) {
    return this.link?.base ? this.link.base + path : "";
  }

  async fetch(path) {
    if (!this.url(path)) return null;
    const answer = await fetch(this.url(path), { signal: AbortSignal.timeout(10000) });
    return answer.ok ? answer.json() : null;
  }
}

// The page's feed of this name, made by whoever asks first. Each component carries its own copy of this file, so the
// one that all share lies on the window.
function feedOf(name) {
  const feeds = (window.echodeckFeeds ??= new Map());
  if (!feeds.has(name)) feeds.set(name, new Feed());
  return feeds.get(name);
}
