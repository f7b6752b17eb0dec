// The log, newest at the foot: filtered by level and words, cleared for oneself, taken home as text or JSON.

const RANK = { debug: 0, info: 1, success: 1, warning: 2, error: 3 };
const MOST = 500;

function lineOf(log) {
  return `${log.timestamp ?? ""} ${log.level.toUpperCase().padEnd(7)} ${log.source}: ${log.message}`;
}

function download(name, type, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function logRow(log) {
  const node = h("div.log", { data: { testid: "log-row", level: log.level } }, h("time",
    { datetime: log.timestamp ?? "" }, clock(when(log.timestamp), true)),
    h("b", {}, log.level), h("span.source", {}, log.source), h("span.message", {}, log.message));
  node.update = () => {};
  return node;
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const level = h("select", { "aria-label": "Level", data: { testid: "log-level" } },
    ...[["debug", "everything"], ["info", "info and above"], ["warning", "warnings, errors"], ["error", "errors"]]
      .map(([value, text]) => h("option", { value, selected: value === "info" }, text)));
  const words = h("input", { type: "search", placeholder: "Find", "aria-label": "Find in the log",
    data: { testid: "log-find" } });
  const list = h("div.loglines", { role: "log", tabIndex: 0, "aria-label": "Log lines" });
  const empty = h("p.empty", {}, "Nothing to show.");
  const cleared = new Set();
  const shown = () => {
    const find = words.value.toLowerCase();
    return [...feed.board.all("logs").values()]
      .filter((log) => !cleared.has(log.id) && (RANK[log.level] ?? 1) >= RANK[level.value])
      .filter((log) => !find || lineOf(log).toLowerCase().includes(find))
      .sort((a, b) => when(a.timestamp) - when(b.timestamp));
  };
  const name = () => `echodeck-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`;
  const button = (text, testid, act) => h("button.small", { type: "button", data: { testid }, onclick: act }, text);
  el.append(h("section.card", { "aria-label": "Logs", data: { testid: "logs" } }, h("div.label.tools", {}, h("h2",
    {}, "Log"), h("span.space"), level, words,
    button("Clear", "log-clear", () => {
      for (const id of feed.board.all("logs").keys()) cleared.add(id);
      draw();
    }),
    button(".log", "log-download", () => download(`${name()}.log`, "text/plain",
      shown().map(lineOf).join("\n") + "\n")),
    button(".json", "log-download-json", () => download(`${name()}.json`, "application/json",
      JSON.stringify(shown(), null, 1)))), list, empty));

  function draw() {
    const atFoot = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const logs = shown().slice(-MOST);
    rows(list, logs, (log) => log.id, logRow, () => false);
    show(empty, !logs.length);
    show(list, logs.length > 0);
    if (atFoot) list.scrollTop = list.scrollHeight;
  }
  level.addEventListener("change", draw);
  words.addEventListener("input", draw);
  const toFoot = () => requestAnimationFrame(() => { list.scrollTop = list.scrollHeight; });
  hear("echodeck-view", toFoot);
  addEventListener("load", toFoot, { once: true });
  watch(["logs"], draw);
}
