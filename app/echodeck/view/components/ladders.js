// The ladders that jobs with the model "auto" choose from, cheapest rung first, and what is believed of each rung.

const WAIT_MS = 500;

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function kindText({ kind, likely, score, seen }) {
  const chances = Object.entries(likely).map(([quality, share]) => `${quality} ${percent(share)}`).join(", ");
  const count = Math.max(1, Math.round(seen));
  return `${kind.split("/").slice(1).join(", ")}: ${chances}; mean score ${Math.round(score)} from ${count} `
    + `verdict${count === 1 ? "" : "s"}`;
}

function rungRow() {
  const [name, out, known] = [h("span.name"), h("small"), h("small")];
  const node = h("div.part", { data: { testid: "rung" } }, h("div.names", {}, name, out, known));
  node.update = (rung) => {
    setText(name, rung.usable ? rung.name : `${rung.name} (not there)`);
    setText(out, `left out: ${rung.leftOut}`);
    show(out, Boolean(rung.leftOut));
    setText(known, rung.kinds.map(kindText).join(" · ") || "nothing is known yet");
  };
  return node;
}

function ladderBox() {
  const [title, problem, list, more] = [h("h3.quiet"), h("p.problem"), h("div"), h("small.quiet")];
  const node = h("div.ladder", { data: { testid: "ladder" } }, title, problem, list, more);
  node.update = (ladder) => {
    setText(title, `${ladder.name}${ladder.learnt ? ", learnt" : ""}: cheapest first, at most `
      + `${ladder.moves} move${ladder.moves === 1 ? "" : "s"}`);
    setText(problem, ladder.problem ? `Cannot be used: ${ladder.problem}` : "");
    show(problem, Boolean(ladder.problem));
    rows(list, ladder.rungs, (rung) => rung.name, rungRow);
    setText(more, `and ${ladder.more} model${ladder.more === 1 ? "" : "s"} more, which found no place on it`);
    show(more, ladder.more > 0);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const list = h("div");
  const empty = h("p.empty", {}, "An engine that has models to choose from makes a ladder.");
  el.append(h("section.card", { "aria-label": "Ladders of models", data: { testid: "ladders" } },
    h("div.label", {}, h("h2", {}, "Ladders of models")), list, empty));
  let waits = 0;

  async function load() {
    waits = 0;
    try {
      const { ladders } = await feed.fetch("/api/brain/ladders");
      rows(list, ladders, (one) => one.name, ladderBox);
      show(empty, !ladders.length);
    } catch (error) {
      console.info("echodeck: the ladders are not known", error); // without a hub there are none to show
    }
  }

  const soon = () => {
    if (view() === "brain") waits ||= setTimeout(load, WAIT_MS);
  };
  watch(["engines", "decisions"], soon);
  hear("echodeck-view", soon);
}
