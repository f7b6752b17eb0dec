// The stages one below the other, to be opened: where a strip has no room for names, its head has the current one.

const ROOMY = 5;
const DONE = new Set(["completed", "skipped"]);

function stageRow() {
  const [name, state, time] = [h("span.name"), h("small"), h("small.time")];
  const node = h("li", {}, h("i.dot"), name, state, time);
  node.update = (stage) => {
    setAttr(node, "data-state", stage.status);
    setText(name, stage.name);
    setText(state, stage.status === "running" && stage.steps ? `step ${stage.step} / ${stage.steps}`
      : stage.status === "pending" ? "to come" : stage.status);
    setText(time, timeOf(stage));
  };
  return node;
}

function stageList() {
  const [name, count] = [h("b"), h("span.quiet")];
  const list = h("ol");
  const node = h("details.stage-list", { data: { testid: "job-stage-list" } }, h("summary", {}, name, count), list);
  let job = null;
  const draw = () => {
    if (node.open && job) rows(list, job.stages.map((stage, n) => ({ ...stage, n })), (stage) => stage.n, stageRow);
  };
  node.addEventListener("toggle", draw);
  node.update = (fresh) => {
    job = fresh;
    const { stages, stageIndex } = job;
    const many = stages.length > ROOMY;
    const now = stages[stageIndex];
    const skipped = stages.filter((stage) => stage.status === "skipped").length;
    setText(name, many && now ? now.name : "");
    setText(count, !many ? `${stages.length} stages` : [
      now?.status === "running" && now.steps ? `step ${now.step} / ${now.steps}` : "",
      `${stages.filter((stage) => DONE.has(stage.status)).length} of ${stages.length} stages done`,
      skipped ? `${skipped} skipped` : ""].filter(Boolean).join(" · "));
    show(node, stages.length > 1);
    draw();
  };
  return node;
}
