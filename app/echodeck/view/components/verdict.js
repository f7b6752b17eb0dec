// What is thought of a job's outputs: the worst score and why as a small chip, and on a click everything. What could
// not be judged has no score and says why.

const WELL = 85; // from here on a score is good, below POOR it is bad
const POOR = 60;

function worst(verdicts) {
  const worth = ({ score }) => score ?? Infinity;
  return verdicts.reduce((low, one) => (worth(one) < worth(low) ? one : low));
}

function wordFor(score) {
  if (score === null) return "none";
  return score >= WELL ? "well" : score >= POOR ? "fair" : "poor";
}

function chipText({ score, reasons }) {
  return [score, reasons[0]?.sentence].filter((part) => part !== null && part !== undefined).join(" · ");
}

// One line for each thing seen; with several pictures it says in which.
function reasonLines(verdicts, many) {
  return verdicts.flatMap((verdict) => {
    const worth = verdict.score === null ? "" : `, ${verdict.score}`;
    const which = many ? `output ${verdict.output + 1}${worth}: ` : "";
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
    setAttr(chip, "title", low.score === null ? "No score" : `Worth ${low.score} of 100`);
    setAttr(node, "data-worth", wordFor(low.score));
    const lines = reasonLines(verdicts, job.outputs.length > 1);
    rows(list, [...lines.entries()], ([n]) => n, () => {
      const item = h("li");
      item.update = ([, line]) => setText(item, line);
      return item;
    });
  };
  return node;
}
