// The parts of the brain: what each does, and a switch.

function partRow(feed, name) {
  const [title, what, by] = [h("span.name"), h("small"), h("small.quiet")];
  const button = h("button.switch", { type: "button", role: "switch", data: { testid: `part-${name}` },
    onclick: () => act(feed, button, "brain_switch",
      { part: name, on: button.getAttribute("aria-checked") !== "true" }) }, h("i"));
  const node = h("div.part", { data: { testid: "part", part: name } }, h("div.names", {}, title, what, by), button);
  node.update = (part) => {
    setText(title, part.name);
    setText(what, part.label);
    setText(by, part.by && `switched ${part.on ? "on" : "off"} by ${part.by} at ${clock(when(part.at))}`);
    setAttr(button, "aria-checked", part.on);
    setAttr(button, "aria-label", `${part.name}: ${part.label}`);
    button.title = part.on ? "On; switch off" : "Off; switch on";
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const list = h("div");
  el.append(h("section.card", { "aria-label": "What decides by itself", data: { testid: "parts" } },
    h("div.label", {}, h("h2", {}, "What decides by itself")), list));
  watch(["parts"], (changed) => {
    const keys = changed.get("parts");
    const parts = [...feed.board.all("parts").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    rows(list, parts, (part) => part.name, (part) => partRow(feed, part.name),
      (part) => keys?.has(part.name));
  });
}
