// News in the corner of the page: one a kind, with its number when more come while it is there.

const STAYS_MS = 8000;
const MOST = 4;

function toast(news, leave) {
  const [title, text] = [h("span.name"), h("small")];
  const node = h("div.toast", { data: { testid: "toast", level: news.level, kind: news.kind } }, h("i.level"),
    h("a.names", { href: `#${news.view}`, onclick: leave }, title, text),
    iconButton("cancel", "Dismiss", "toast-dismiss", leave, ".bare"));
  node.count = 0;
  node.more = (next) => {
    node.count += 1;
    setAttr(node, "data-level", next.level);
    setText(title, node.count > 1 ? next.many(node.count) : next.title);
    setText(text, node.count > 1 ? next.title : next.text);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, on } = frame(model, el);
  const stack = h("div.toasts", { role: "log", "aria-live": "polite", "aria-label": "News" });
  const shown = new Map();
  el.append(stack);

  const leave = (kind) => {
    const node = shown.get(kind);
    if (!node) return;
    clearTimeout(node.timer);
    shown.delete(kind);
    node.remove();
  };
  // What went wrong stays until somebody has seen it; the rest goes, but not while it is pointed at or in focus.
  const stay = (node, kind) => {
    clearTimeout(node.timer);
    if (node.dataset.level !== "error") {
      node.timer = setTimeout(() => (node.matches(":hover, :focus-within") ? stay(node, kind) : leave(kind)), STAYS_MS);
    }
  };
  newsOf(feed, on, (news) => {
    const node = shown.get(news.kind) ?? toast(news, () => leave(news.kind));
    node.more(news);
    shown.set(news.kind, node);
    if (!node.parentNode) stack.prepend(node);
    while (shown.size > MOST) leave(shown.keys().next().value);
    stay(node, news.kind);
  });
}
