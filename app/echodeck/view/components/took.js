// What a job took of its machine, stage by stage: asked of the hub when it is opened. What nobody measured is left out,
// with the reason below.

const REFRESH_MS = 5000;

// Three digits and a unit: 0.42 Wh, 37.1 Wh, 1.24 kWh
function amount(x, unit) {
  if (!Number.isFinite(x)) return "";
  return x >= 1000 ? `${Number((x / 1000).toPrecision(3))} k${unit}` : `${Number(x.toPrecision(3))} ${unit}`;
}

// Money small enough for one picture: two decimals, and below ten cents two digits.
function money(x, currency) {
  if (!Number.isFinite(x)) return "";
  const decimals = x >= 0.1 || !x ? 2 : Math.min(8, 1 - Math.floor(Math.log10(x)));
  return `${x.toFixed(decimals)} ${currency}`.trim();
}

function sized(x) {
  return Number.isFinite(x) ? bytes(x) : "";
}

// Of each column: its heading, its text of a stage, and a quieter one beside it.
const COLUMNS = [
  ["Time", (one) => short(one.length)],
  ["Energy", (one) => amount(one.energyWh, "Wh")],
  ["Cost", (one) => money(one.cost, one.currency)],
  ["CO₂", (one) => amount(one.emissionG, "g")],
  ["VRAM", (one) => sized(one.vramPeakBytes), (one) => sized(one.vramMeanBytes)],
  ["GPU", (one) => amount(one.gpuPeakPercent, "%"), (one) => amount(one.gpuMeanPercent, "%")],
  ["Power", (one) => amount(one.powerPeakW, "W"), (one) => amount(one.powerMeanW, "W")],
  ["Throttled", (one) => (Number.isFinite(one.throttled) ? short(one.throttled) : "")],
  ["Disk read", (one) => sized(one.diskReadBytes)], ["written", (one) => sized(one.diskWrittenBytes)],
  ["Net received", (one) => sized(one.netReceivedBytes)], ["sent", (one) => sized(one.netSentBytes)],
];

// Whose the figures are, and why some are not there.
function notesOf(total) {
  const gpu = Number.isFinite(total.vramPeakBytes) || Number.isFinite(total.gpuMeanPercent);
  const paired = gpu || Number.isFinite(total.powerMeanW) ? "Where there are two figures, they are the peak and the mean." : "";
  const vram = Number.isFinite(total.vramPeakBytes) && (total.byProcess
    ? "VRAM is that of the job's own processes." : "VRAM is the whole GPU's, whoever used it.");
  const whole = gpu ? "The rest is the whole GPU's and the whole machine's."
    : "All of it is the whole machine's, whoever used it.";
  const energy = !Number.isFinite(total.energyWh)
    ? `${gpu ? "Its GPU tells no power" : "No GPU was measured"}, so the energy is not known.`
    : total.unmeasured >= 1 && `The energy is without ${short(total.unmeasured)} in which no power was measured.`;
  const tariff = Number.isFinite(total.energyWh) && [["price_per_kwh", total.cost], ["gco2_per_kwh", total.emissionG]]
    .filter(([, found]) => !Number.isFinite(found)).map(([name]) => name).join(" and ");
  return [paired, vram, whole, energy, tariff && `For more, set ${tariff} in echodeck.toml.`].filter(Boolean).join(" ");
}

function tookTable({ total, stages }) {
  const lines = [{ ...total, name: "in all" }, ...(stages.length > 1 ? stages : [])];
  const columns = COLUMNS.filter(([, text]) => lines.some((one) => text(one)));
  const cell = (one, [, text, beside]) => {
    const [peak, mean] = [text(one), beside?.(one)];
    return h("td", {}, peak, mean && mean !== peak && h("small", {}, ` ${mean}`));
  };
  return h("div.figures-table", { tabIndex: 0, role: "region", "aria-label": "What each stage took" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"),
      ...columns.map(([heading]) => h("th", { scope: "col" }, heading)))),
    h("tbody", {}, ...lines.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name || NONE),
      ...columns.map((column) => cell(one, column)))))));
}

// The block of one job, closed at first; of one in hand it is what was taken so far.
function tookBox(feed, jobId) {
  const [summary, body] = [h("summary", { data: { testid: "job-took" } }), h("div")];
  const node = h("details.took", {}, summary, body);
  let asked = 0;

  async function load() {
    asked = Date.now();
    try {
      const total = feed.board.get("jobs", jobId)?.usage;
      const used = await feed.fetch(`/api/generations/${jobId}/usage`) ?? { total, stages: [] };
      body.replaceChildren(...used.total ? [tookTable(used), h("small", {}, notesOf(used.total))]
        : [h("small", {}, "Nothing was measured while it ran.")]);
    } catch (error) {
      body.replaceChildren(h("small", {}, `The hub does not tell: ${error.message ?? error}.`));
    }
  }

  node.addEventListener("toggle", () => node.open && load());
  node.tick = () => {
    if (node.open && Date.now() - asked > REFRESH_MS) load();
  };
  node.update = (job) => {
    const brief = job.usage ? [amount(job.usage.energyWh, "Wh"), money(job.usage.cost, job.usage.currency)]
      .filter(Boolean).join(" · ") : "";
    setText(summary, ended(job) ? brief || "What it took" : "What it took so far");
    setAttr(summary, "title", brief ? "What it took" : "");
    show(node, inHand(job) || Boolean(job.usage));
  };
  return node;
}
