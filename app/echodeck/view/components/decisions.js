// What the hub decided by itself, newest first, each with its reason, and a way to take it back while there is one.

const MOST = 60;

// A held job can go on, one that has not ended can be cancelled.
function undoOf(feed, { undo }) {
  const job = undo && feed.board.get("jobs", undo.payload.jobId);
  if (!job || ended(job)) return null;
  return undo.payload.command === "resume" && job.status !== "paused" ? null : undo;
}

function decisionRow(feed) {
  const [title, why, at] = [h("span.name"), h("small"), h("time")];
  const part = h("span.origin");
  const button = h("button.small", { type: "button", data: { testid: "decision-undo" },
    onclick: () => act(feed, button, button.undo.type, button.undo.payload) });
  const node = h("div.decision", { data: { testid: "decision" } }, part, h("div.names", {}, title, why, button), at);
  node.update = (one) => {
    setAttr(node, "data-part", one.part);
    setAttr(node, "data-job", one.jobId);
    setText(part, one.part);
    setText(title, one.title);
    setText(why, one.reason);
    setText(at, clock(when(one.at)));
    setAttr(at, "datetime", one.at ?? "");
    button.undo = undoOf(feed, one.data);
    setText(button, button.undo?.label ?? "");
    show(button, Boolean(button.undo));
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const which = h("select", { "aria-label": "Part", data: { testid: "decisions-part" } });
  const list = h("div", { role: "log", "aria-live": "polite", "aria-label": "Decisions" });
  const empty = h("p.empty", {}, "Nothing has been decided yet. What the hub decides by itself is told here, and why.");
  el.append(h("section.card", { data: { testid: "decisions" } }, h("div.label.tools", {}, h("h2", {}, "Decisions"),
    h("span.space"), which), list, empty));
  const draw = (changed) => {
    const all = [...feed.board.all("decisions").values()];
    const parts = [...new Set(all.map((one) => one.part))].sort();
    const key = parts.join();
    if (which.dataset.parts !== key) options(which, [["", "all parts"], ...parts.map((name) => [name, name])]);
    which.dataset.parts = key;
    show(which, parts.length > 1);
    const newest = all.filter((one) => !which.value || one.part === which.value)
      .sort((a, b) => when(b.at) - when(a.at)).slice(0, MOST);
    const told = changed?.get("decisions");
    rows(list, newest, (one) => one.id, () => decisionRow(feed), (one) => Boolean(one.data.undo) || told?.has(one.id));
    show(empty, !newest.length);
  };
  which.addEventListener("change", () => draw());
  watch(["decisions", "jobs"], draw);
}
