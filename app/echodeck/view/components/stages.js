// The stages of a job as a strip: widths are what each takes, names are whole or in the tooltip. A workflow may have a
// hundred: then they stand close together, and those that were skipped are hairlines.

const CLOSE = 10;
const TOUCHING = 90;

function timeOf(stage) {
  if (stage.status === "skipped") return "";
  if (Number.isFinite(stage.duration)) return short(stage.duration);
  return stage.expected ? `~ ${short(stage.expected)}` : "";
}

function strip() {
  const box = h("div.stages", { data: { testid: "job-stages" } });
  const make = () => {
    const [fill, name, detail] = [h("i"), h("b"), h("span")];
    const node = h("div.stage", {}, h("div.track", {}, fill), h("div.words", {}, name, detail));
    node.update = (stage) => {
      const { status, expected, duration, step, steps } = stage;
      const running = status === "running";
      node.style.flexGrow = status === "skipped" ? "" : String(Math.max(0.2, duration ?? expected ?? 1));
      setAttr(node, "data-state", status);
      const share = steps ? (100 * step) / steps : 30; // of one without steps nobody knows
      fill.style.width = `${status === "completed" ? 100 : running ? share : 0}%`;
      setText(name, stage.name);
      setText(detail, [running && steps ? `${step} / ${steps}` : status === "skipped" ? status : "", timeOf(stage)]
        .filter(Boolean).join(" · "));
      setAttr(node, "title", [stage.name, detail.textContent, status].filter(Boolean).join(" · "));
    };
    return node;
  };
  box.update = (stages) => {
    setAttr(box, "data-crowd", stages.length > TOUCHING ? "touching" : stages.length > CLOSE ? "close" : "");
    rows(box, stages.map((stage, n) => ({ ...stage, n })), (stage) => stage.n, make);
  };
  return box;
}
