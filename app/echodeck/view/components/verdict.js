// What is thought of a job's pictures: the worst score and why as a small chip, and on a click everything.

const WELL = 85; // from here on a score is good, below POOR it is bad
const POOR = 60;

function worst(verdicts) {
  return verdicts.reduce((low, one) => (one.score < low.score ? one : low));
}

function chipText({ score, reasons }) {
  return reasons.length ? `${score} · ${reasons[0].sentence}` : String(score);
}

// One line for each thing seen; with several pictures it says in which.
function reasonLines(verdicts, many) {
  return verdicts.flatMap((verdict) => {
    const which = many ? `picture ${verdict.output + 1}, ${verdict.score}: ` : "";
    const said = verdict.reasons.length ? verdict.reasons.map((reason) => reason.sentence) : ["nothing wrong was seen"];
    return said.map((sentence) => which + sentence);
  });
}

function verdictChip() {
  const [chip, list] = [h("summary", { data: { testid: "job-verdict" } }), h("ul")];
  const node = h("details.verdict", { hidden: true }, chip, list);
  node.update = (job) => {
    const verdicts = job.verdicts ?? [];
    show(node, verdicts.length > 0);
    if (!verdicts.length) return;
    const low = worst(verdicts);
    setText(chip, chipText(low));
    setAttr(chip, "title", `Worth ${low.score} of 100`);
    setAttr(node, "data-worth", low.score >= WELL ? "well" : low.score >= POOR ? "fair" : "poor");
    const lines = reasonLines(verdicts, job.outputs.length > 1);
    rows(list, [...lines.entries()], ([n]) => n, () => {
      const item = h("li");
      item.update = ([, line]) => setText(item, line);
      return item;
    });
  };
  return node;
}
