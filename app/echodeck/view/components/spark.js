// Two small drawings beside a running job: seconds per step, and how the estimate went.

const WIDE = 200;
const HIGH = 46;
const MOST_POINTS = 240;

class Trail {
  // What is known of one attempt: step times as [step, seconds], estimates as [at ms, left s, low s, high s].
  constructor(attempt) {
    Object.assign(this, { attempt, steps: [], estimates: [], last: null });
  }

  // The hub's own record of it, from before this page was opened.
  seed(known) {
    if (!known) return;
    const first = this.steps.length ? this.steps[0][0] : Infinity;
    const firstAt = this.estimates.length ? this.estimates[0][0] : Infinity;
    this.steps.unshift(...(known.steps ?? []).filter(([step]) => step < first));
    this.estimates.unshift(...(known.estimates ?? []).map(([at, ...rest]) => [when(at), ...rest])
      .filter(([at]) => at < firstAt));
  }

  add(job) {
    const { stageIndex, currentStep, elapsed } = job;
    const last = this.last;
    if (!last || last.stageIndex !== stageIndex || currentStep > last.currentStep) {
      if (last?.stageIndex === stageIndex && last.currentStep > 0 && elapsed > last.elapsed) {
        this.steps.push([currentStep, (elapsed - last.elapsed) / (currentStep - last.currentStep)]);
      } else if (last && last.stageIndex !== stageIndex && job.totalSteps) {
        this.steps = [];
      }
      this.last = { stageIndex, currentStep, elapsed };
    }
    const at = when(job.etaAt);
    const newest = this.estimates.at(-1);
    if (job.status === "running" && Number.isFinite(job.eta) && (!newest || at - newest[0] > 400)) {
      this.estimates.push([at, job.eta, job.etaLow ?? job.eta, job.etaHigh ?? job.eta]);
    }
    for (const list of [this.steps, this.estimates]) {
      if (list.length > MOST_POINTS * 2) list.splice(0, list.length, ...list.filter((_, n) => n % 2 === 0));
    }
  }
}

function line(points) {
  return points.map(([x, y], n) => `${n ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}

function sparkBox(label, testid) {
  const value = h("span");
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img",
    "aria-label": label });
  const paths = ["band", "guide", "line"].map((name) => svg("path", { class: name,
    "vector-effect": "non-scaling-stroke" }));
  drawing.append(...paths);
  const node = h("div", { data: { testid } }, h("div.caption", {}, h("span", {}, label), value), drawing);
  node.draw = (text, ...ds) => {
    setText(value, text);
    ds.forEach((d, n) => setAttr(paths[n], "d", d));
    show(node, ds.some(Boolean));
  };
  return node;
}

function drawSteps(box, trail, total) {
  const steps = trail.steps;
  if (steps.length < 2) return box.draw("", "", "", "");
  const sorted = steps.map(([, s]) => s).sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  // A slow first step (the warm-up) must not flatten the rest.
  const most = Math.min(sorted.at(-1), middle * 2.5) * 1.15 || 1;
  const x = (step) => (WIDE * (step - 1)) / Math.max(1, (total || steps.at(-1)[0]) - 1);
  const y = (s) => HIGH - 3 - (HIGH - 6) * Math.min(1, s / most);
  const points = steps.map(([step, s]) => [x(step), y(s)]);
  const end = points.at(-1)[0];
  const guide = end < WIDE ? line([[end, y(middle)], [WIDE, y(middle)]]) : "";
  return box.draw(short2(steps.at(-1)[1]), "", guide, line(points));
}

function short2(s) {
  return s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(2)} s`;
}

// The moment it would be done, as each estimate had it: a good one is a flat line in a closing band.
function drawEstimate(box, trail, doneAt) {
  const known = trail.estimates;
  if (known.length < 3) return box.draw("", "", "", "");
  const ends = known.map(([at, ...left]) => [at, ...left.map((s) => at / 1000 + s)]);
  const spread = ends.flatMap(([, , low, high]) => [low, high]).sort((a, b) => a - b);
  const [least, most] = [spread[Math.floor(spread.length * 0.04)], spread[Math.ceil(spread.length * 0.96) - 1]];
  const [from, to] = [ends[0][0], Math.max(ends.at(-1)[0], ends[0][0] + 1)];
  const x = (at) => (WIDE * (at - from)) / (to - from);
  const y = (s) => HIGH - 3 - (HIGH - 6) * Math.min(1, Math.max(0, (s - least) / Math.max(0.5, most - least)));
  const upper = ends.map(([at, , , high]) => [x(at), y(high)]);
  const lower = ends.map(([at, , low]) => [x(at), y(low)]).reverse();
  return box.draw(`done ${clock(doneAt, true)}`, `${line([...upper, ...lower])}Z`, "",
    line(ends.map(([at, end]) => [x(at), y(end)])));
}
