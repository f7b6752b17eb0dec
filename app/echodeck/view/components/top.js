// The head of the page: what goes on in one line, the connection, who watches, and the way to a new job.

const NAMES = { now: "Now", queue: "Queue", machines: "Machines", brain: "Brain", logs: "Logs" };
const WORDS = {
  connecting: "connecting", live: "live", polling: "polling", waiting: "reconnecting", report: "report",
  closed: "closed",
};

function summary(feed) {
  const stats = feed.board.get("queue")?.stats;
  if (!stats) return ["", "", ""];
  const busy = stats.running ? `${stats.running} running` : "Nothing is running";
  const { clearAt, clearLow, clearHigh } = feed.board.get("queue");
  if (!clearAt || !(stats.running || stats.pending)) return [busy, "", ""];
  const [at, low, high] = [when(clearAt), when(clearLow), when(clearHigh)];
  // Too unsure to be halved: only by when is worth saying.
  const spread = (high - low) / 2 > at - feed.now() ? `, likely by ${clock(high)}`
    : ` ${plusMinus(low / 1000, high / 1000)}`;
  return [`${busy} · all done at `, clock(at), spread];
}

function badgeText({ state, latencyMs, nextTryAt }) {
  if (state === "live"
    && latencyMs !== null) return ` · ${latencyMs < 10 ? latencyMs.toFixed(1) : Math.round(latencyMs)} ms`;
  if (state === "waiting"
    && nextTryAt) return ` · next try in ${Math.max(0, Math.ceil((nextTryAt - Date.now()) / 1000))} s`;
  return state === "polling" ? " · every second" : "";
}

function turnTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  try {
    localStorage.setItem("echodeck.theme", root.dataset.theme);
  } catch (error) {
    console.info("echodeck: the theme is not remembered", error);
  }
  dispatchEvent(new Event("echodeck-theme"));
}

export function render({ model, el }) {
  const { feed, watch, on, tick, hear } = frame(model, el);
  const title = h("h1", {}, NAMES.now);
  const [lead, moment, spread] = [h("span"), h("b"), h("span")];
  const word = h("span");
  const detail = h("span.detail");
  const badge = h("span.badge", { role: "status", "aria-label": "Connection", data: { testid: "connection",
    state: "connecting" } },
    h("i.dot"), h("span", {}, word, detail));
  const people = h("span.people", { data: { testid: "presence" } });
  const theme = iconButton("theme", "Light or dark", "theme", turnTheme, ".plain");
  const add = h("button.primary", { type: "button", data: { testid: "new-job" }, "aria-label": "New job",
    onclick: () => dispatchEvent(new Event("echodeck-new-job")) }, icon("plus"), h("span", {}, "New job"));
  const refused = h("div.refused", { role: "alert", hidden: true, data: { testid: "refused" } });
  el.append(h("header.head-bar", {}, title, h("span.summary", {}, lead, moment, spread), h("span.space"), badge,
    people,
    ...(model.paged ? [bell(feed, on, hear), theme, add] : [])), refused);

  const name = () => setText(title, NAMES[view()] ?? "echodeck");
  hear("echodeck-view", name);
  name();

  const connection = () => {
    const { status } = feed;
    setAttr(badge, "data-state", status.state);
    setText(word, WORDS[status.state] ?? status.state);
    setText(detail, badgeText(status));
    setAttr(badge, "title", status.reason || (status.hub ? `hub ${status.hub.version ?? ""}` : ""));
  };
  tick(connection);
  watch(["connection"], connection);
  watch(["queue"], () => {
    summary(feed).forEach((text, n) => setText([lead, moment, spread][n], text));
    const reason = feed.board.get("queue")?.reason ?? "";
    setText(refused, reason && `New jobs are refused: ${reason}`);
    show(refused, Boolean(reason));
  });
  watch(["presence"], () => {
    const { users = [], watching = 0 } = feed.board.get("presence") ?? {};
    const named = users.filter((user) => user.name);
    rows(people, named.slice(0, 5), (user) => user.id, () => {
      const node = h("b.person");
      node.update = (user) => {
        setText(node, initials(user.name));
        setAttr(node, "title", user.name);
        node.style.background = hue(user.name);
      };
      return node;
    });
    setAttr(people, "title", `${watching} watching`);
    setAttr(people, "aria-label",
      `${watching} watching${named.length ? `: ${named.map((u) => u.name).join(", ")}` : ""}`);
  });
}
