// How messages reach a Feed. A link has start(), send(frame) and `base`, the hub's address for the browser, "" if none.

const FIRST_DELAYS_MS = [400, 1000, 1000, 2000];
const RECENTLY_MS = 60000;
const RECENT_DELAY_MS = 2000;
const LONGEST_DELAY_MS = 30000;
const PING_MS = 5000;
const SILENCE_MS = 12000;
const POLL_MS = 1000;

// A lost hub is usually back in a moment, so the first tries come quickly; then the wait doubles. Each
// is shortened by up to a third at random, so that pages do not come back all at once.
function backoffMs(attempt, random = Math.random) {
  const late = attempt - FIRST_DELAYS_MS.length;
  const plain = late < 0 ? FIRST_DELAYS_MS[attempt] : 2000 * 2 ** Math.min(late + 1, 5);
  return Math.min(LONGEST_DELAY_MS, plain) * (1 - random() / 3);
}

// Served pages: a WebSocket of our own; polling over REST while HTTP answers but no WebSocket can be had.
class SocketLink {
  constructor(feed, base, user = "") {
    Object.assign(this, { feed, base, user, socket: null, timer: null, attempt: 0, heard: 0, pings: new Map() });
    this.client = feed.prefix;
  }

  start() {
    setInterval(() => this.#beat(), PING_MS);
    addEventListener("online", () => this.kick());
    document.addEventListener("visibilitychange", () => document.hidden || this.kick());
    this.feed.on("pong", (payload) => this.#pong(payload));
    this.#open();
  }

  // Try now rather than at the next appointed time.
  kick() {
    if (this.socket) return;
    this.attempt = 0;
    this.#open();
  }

  rename(user) {
    this.user = user;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.kick();
  }

  send(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
    else if (this.feed.status.state === "polling") this.#post(frame);
    // Otherwise it is outstanding, and goes out with the next connection.
  }

  #open() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.feed.status.state === "waiting") this.feed.setStatus({ state: "connecting", nextTryAt: null });
    const url = new URL(this.base + "/api/ws");
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("client", this.client);
    if (this.user) url.searchParams.set("user", this.user);
    if (this.feed.board.seq) {
      url.searchParams.set("after", String(this.feed.board.seq));
      url.searchParams.set("hub", this.feed.board.hub);
    }
    const socket = new WebSocket(url, ["echodeck.v1"]);
    const patience = setTimeout(() => socket.close(), 8000);
    let opened = false;
    this.socket = socket;
    socket.onopen = () => {
      clearTimeout(patience);
      opened = true;
      this.#live(socket);
    };
    socket.onmessage = (event) => this.socket === socket && this.#take(event.data);
    socket.onclose = (event) => {
      clearTimeout(patience);
      if (this.socket === socket) this.#lost(opened, event.reason);
    };
  }

  #live(socket) {
    this.attempt = 0;
    this.heard = performance.now();
    this.feed.setStatus({ state: "live", nextTryAt: null, attempts: 0, reason: "" });
    this.#ping(socket);
    this.feed.outstanding().forEach((frame) => socket.send(JSON.stringify(frame)));
  }

  #take(text) {
    this.heard = performance.now();
    let messages;
    try {
      messages = JSON.parse(text);
    } catch (error) {
      console.error("echodeck: the hub sent something unreadable", error);
      return;
    }
    this.feed.receive(Array.isArray(messages) ? messages : [messages]);
  }

  async #lost(opened, reason) {
    this.socket = null;
    this.pings.clear();
    // A hub that was there a moment ago is being restarted: it is looked for often until it has been away for long.
    if (opened) this.lostAt = performance.now();
    const recent = this.lostAt !== undefined && performance.now() - this.lostAt < RECENTLY_MS;
    const delay = Math.min(backoffMs(this.attempt), recent ? RECENT_DELAY_MS : LONGEST_DELAY_MS);
    this.attempt += 1;
    this.timer = setTimeout(() => this.#open(), delay);
    if (!opened && (await this.#poll())) return;
    if (this.socket?.readyState === WebSocket.OPEN) return;
    this.feed.setStatus({ state: "waiting", latencyMs: null, nextTryAt: Date.now() + delay, attempts: this.attempt,
      reason: reason || (opened ? "the connection was lost" : "the hub does not answer") });
  }

  // One look over REST; while it succeeds, another follows until a WebSocket opens.
  async #poll() {
    const open = () => this.socket?.readyState === WebSocket.OPEN;
    try {
      const after = this.feed.board.seq;
      const answer = await fetch(`${this.base}/api/state${after ? `?after=${after}&hub=${this.feed.board.hub}` : ""}`, {
        signal: AbortSignal.timeout(4000) });
      if (!answer.ok) return false;
      const state = await answer.json();
      if (open()) return true;
      const whole = state.initial ?? (state.jobs ? state : null);
      this.feed.receive(whole ? [{ type: "initial_state", payload: whole }] : state.messages);
      if (Number.isFinite(state.seq)) this.feed.board.seq = Math.max(this.feed.board.seq, state.seq);
      if (this.feed.status.state !== "polling") {
        this.feed.setStatus({ state: "polling", latencyMs: null, nextTryAt: null,
          reason: "no WebSocket can be had" });
        this.feed.outstanding().forEach((frame) => this.#post(frame));
      }
    } catch (error) {
      return this.#unanswered(error);
    }
    clearTimeout(this.poller);
    this.poller = setTimeout(async () => {
      if (open() || this.feed.status.state !== "polling" || (await this.#poll())) return;
      this.feed.setStatus({ state: "waiting", reason: "the hub does not answer" });
    }, POLL_MS);
    return true;
  }

  #unanswered(error) {
    // fetch says TypeError when nobody answers and a DOMException when it took too long; anything else is a fault here.
    if (!(error instanceof TypeError || error instanceof DOMException)) console.error("echodeck:", error);
    return false;
  }

  async #post(frame) {
    try {
      const answer = await fetch(`${this.base}/api/commands?client=${this.client}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(frame) });
      const said = await answer.json();
      const message = said.type ? said : { type: "error", payload: said.error ?? {} };
      message.payload = { ...(message.payload ?? said), id: frame.id };
      this.feed.receive([message]);
    } catch (error) {
      this.#unanswered(error); // it stays outstanding
    }
  }

  #beat() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.heard > SILENCE_MS) {
      const silent = this.socket;
      this.#lost(true, "the hub has gone silent");
      silent.close();
    } else {
      this.#ping(this.socket);
    }
  }

  #ping(socket) {
    const id = `ping-${this.client}-${Math.random().toString(36).slice(2)}`;
    this.pings.set(id, { sent: performance.now(), at: Date.now() });
    socket.send(JSON.stringify({ type: "ping", payload: {}, id }));
  }

  #pong({ id, now }) {
    const ping = this.pings.get(id);
    if (!ping) return;
    this.pings.clear();
    const tookMs = performance.now() - ping.sent;
    if (now) this.feed.offsetMs = Date.parse(now) - (ping.at + tookMs / 2);
    this.feed.setStatus({ latencyMs: tookMs });
  }
}

// Notebooks: the kernel's client hands the same messages over the component's own channel, and takes our commands.
class KernelLink {
  constructor(feed, model) {
    Object.assign(this, { feed, model, base: "" });
  }

  start() {
    this.adopt(this.model);
  }

  // The cell was run again: from now on this model is the way to the kernel.
  adopt(model) {
    this.model = model;
    model.on("msg:custom", (data) => {
      if (this.model !== model) return;
      this.feed.receive(data.messages ?? []);
      if (data.status) this.feed.setStatus(data.status);
      if (Number.isFinite(data.offsetMs)) this.feed.offsetMs = data.offsetMs;
    });
    model.send_msg({ hello: true });
  }

  send(frame) {
    this.model.send_msg({ say: frame });
  }
}

// Reports: the messages are in the page, and nothing can be commanded.
class PageLink {
  constructor(feed, messages) {
    Object.assign(this, { feed, messages, base: "" });
  }

  start() {
    const stamps = this.messages.map((message) => Date.parse(message.timestamp)).filter(Number.isFinite);
    if (stamps.length) this.feed.offsetMs = Math.max(...stamps) - Date.now();
    this.feed.receive(this.messages);
    this.feed.setStatus({ state: "report" });
  }

  send(frame) {
    this.feed.receive([{ type: "error", payload: { id: frame.id, code: "report",
      message: "A report cannot act." } }]);
  }
}
