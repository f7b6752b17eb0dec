// What the hub decided by itself, newest first, each with its reason.

const MOST = 60;

function decisionRow(feed) {
  const [title, why, at] = [h("span.name"), h("small"), h("time")];
  const part = h("span.origin");
  const node = h("div.decision", { data: { testid: "decision" } }, part, h("div.names", {}, title, why), at);
  node.update = (one) => {
    setAttr(node, "data-part", one.part);
    setAttr(node, "data-job", one.jobId);
    setText(part, one.part);
    setText(title, one.title);
    setText(why, one.reason);
    setText(at, clock(when(one.at)));
    setAttr(at, "datetime", one.at ?? "");
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const list = h("div", { role: "log", "aria-live": "polite", "aria-label": "Decisions" });
  const empty = h("p.empty", {}, "Nothing has been decided yet. What the hub decides by itself is told here, and why.");
  el.append(h("section.card", { data: { testid: "decisions" } }, h("div.label", {}, h("h2", {}, "Decisions")), list,
    empty));
  watch(["decisions"], () => {
    const newest = [...feed.board.all("decisions").values()].sort((a, b) => when(b.at) - when(a.at)).slice(0, MOST);
    rows(list, newest, (one) => one.id, () => decisionRow(feed), () => false);
    show(empty, !newest.length);
  });
}
