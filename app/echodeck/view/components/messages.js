// What people and agents say to each other, the newest at the foot, and a line to say something.

const MOST = 100;

function messageRow(feed) {
  const [from, about, text, at] = [h("b"), h("small"), h("span.message"), h("time")];
  const node = h("div.said", { data: { testid: "message" } }, h("div.names", {}, from, about), text, at);
  node.update = (one) => {
    setAttr(node, "data-level", one.level);
    setText(from, one.source);
    const job = one.jobId && (feed.board.get("jobs", one.jobId)?.title ?? one.jobId.slice(0, 8));
    setText(about, [one.to && `to ${one.to}`, job && `about ${job}`].filter(Boolean).join(" "));
    setText(text, one.message);
    setText(at, clock(when(one.at)));
    setAttr(at, "datetime", one.at ?? "");
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const list = h("div.messages", { role: "log", tabIndex: 0, "aria-label": "Messages" });
  const empty = h("p.empty", {}, "Nobody has said anything yet.");
  const find = h("input", { type: "search", placeholder: "Find", "aria-label": "Find in the messages",
    data: { testid: "message-find" } });
  const text = h("input", { placeholder: "Say something", "aria-label": "Message", maxLength: 4000,
    data: { testid: "message-text" } });
  const to = h("select", { "aria-label": "To whom", data: { testid: "message-to" } });
  const button = h("button.small", { type: "submit", data: { testid: "message-send" } }, "Send");
  const form = h("form.say", {}, text, to, button);
  el.append(h("section.card", { "aria-label": "Messages", data: { testid: "messages" } }, h("div.label.tools", {},
    h("h2", {}, "Messages"), h("span.space"), find), list, empty, form));

  function draw() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...feed.board.all("messages").values()]
      .filter((one) => words.every((word) => `${one.source} ${one.message}`.toLowerCase().includes(word)))
      .sort((a, b) => when(a.at) - when(b.at)).slice(-MOST);
    const atFoot = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    rows(list, found, (one) => one.id, () => messageRow(feed), () => false);
    show(empty, !found.length);
    show(list, found.length > 0);
    if (atFoot) list.scrollTop = list.scrollHeight;
  }
  const whom = () => {
    const agents = [...feed.board.all("agents").values()].map((one) => [one.id, one.id]);
    const people = (feed.board.get("presence")?.users ?? []).map((one) => [one.name, one.name]);
    options(to, [["", "to everybody"], ...people, ...agents]);
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    const said = await act(feed, button, "communicate", { message: text.value.trim(), to: to.value });
    if (!said) return;
    text.value = "";
    if (said.held) say("It is kept until they are back.");
  });
  find.addEventListener("input", draw);
  watch(["messages"], draw);
  watch(["agents", "presence"], whom);
  whom();
}
