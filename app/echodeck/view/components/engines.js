// The engines: what each is, whether it is ready, what it can be asked. On the Now view only what is wrong is shown.

function stateOf(feed, info) {
  if (info.reason) return ["wrong", info.since_s ? `not ready since ${clock(info.since_s * 1000)}` : "not ready"];
  const mine = [...feed.board.all("jobs").values()].filter((job) => job.engine === info.name && inHand(job));
  if (!mine.length) return ["ready", "ready"];
  if (mine.length > 1) return ["busy", `busy, ${mine.length} jobs`];
  return ["busy", mine[0].status === "paused" ? "holds a paused job" : "busy"];
}

function factsOf(info) {
  const models = info.models.length;
  const known = (info.label || info.name).toLowerCase() === info.name; // its label says its name already
  return [known ? "" : info.name, info.version && `version ${info.version}`,
    models ? `${models} model${models > 1 ? "s" : ""}` : info.workflows ? "takes workflows" : ""].filter(Boolean)
    .join(" · ");
}

function engineRow(feed, name) {
  const [title, facts, why, note] = [h("b.name"), h("small"), h("p.problem"), h("p.reason")];
  const state = h("span.state", { data: { testid: "engine-state" } });
  const page = h("a.more", { target: "_blank", rel: "noopener noreferrer" });
  const free = h("button.small", { type: "button", data: { testid: "engine-free" }, onclick: async () => {
    const label = engineName(feed, name);
    if (free.why) say(free.why);
    else if (await act(feed, free, "engine_command", { engine: name, command: "free" })) {
      say(`${label} was asked to let go of its models.`);
    }
  } }, "Free memory");
  free.label = "Let go of the models that it keeps loaded";
  const node = h("div.engine", { data: { testid: "engine", engine: name } }, h("div.head", {}, h("i.dot"),
    h("div.names", {}, title, facts, page), state, free), why, note);
  node.update = (info) => {
    const [tone, word] = stateOf(feed, info);
    setAttr(node, "data-state", tone);
    setText(title, info.label || info.name);
    setText(facts, factsOf(info));
    const url = reachable(info.address);
    setText(page, info.address.replace(/^https?:\/\//, ""));
    if (url) page.href = url;
    else page.removeAttribute("href");
    setText(state, word);
    setText(why, info.reason);
    setText(note, info.note);
    show(free, info.extras.includes("free"));
    setAttr(free, "aria-label", `Free memory of ${info.label || info.name}`);
    forbid(free, info.reason);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const list = h("div");
  const empty = h("p.empty", {}, "No agent has announced an engine yet.");
  const section = h("section.card", { "aria-label": "Engines", data: { testid: "engines" } }, h("div.label", {},
    h("h2", {}, "Engines")), list, empty);
  el.append(section);
  const draw = () => {
    const all = [...feed.board.all("engines").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = view() === "now" ? all.filter((info) => info.reason) : all;
    rows(list, shown, (info) => info.name, (info) => engineRow(feed, info.name));
    show(empty, !all.length);
    // The whole place goes, not only what is in it: an empty one would leave a gap.
    show(el.getRootNode().host.closest("[data-views]") ?? section, view() !== "now" || shown.length > 0);
  };
  watch(["engines", "jobs"], draw);
  hear("echodeck-view", draw);
}
