// Any figure of any machine over a time that is chosen: ten minutes to two years, as the hub keeps them.

const RANGES = [["600", "10 minutes"], ["3600", "1 hour"], ["21600", "6 hours"], ["86400", "24 hours"],
  ["604800", "7 days"], ["2592000", "30 days"], ["7776000", "90 days"], ["31536000", "1 year"], ["63072000", "2 years"]];
const POINTS = 400;
const LONGEST_PERIOD_S = 35; // a machine that is seldom measured has not gone
const FIRST = ["gpu.0.util_percent", "cpu.percent"];

function picker(label, testid) {
  return h("select", { "aria-label": label, data: { testid } });
}

function chooseFigure(select, groups) {
  const before = select.value;
  const keys = groups.flatMap(([, figures]) => figures.map(([key]) => key));
  select.replaceChildren(...groups.map(([thing, figures]) => h("optgroup", { label: thing },
    ...figures.map(([key, title]) => h("option", { value: key }, title)))));
  select.value = [before, ...FIRST, ...keys].find((key) => keys.includes(key)) ?? "";
}

export function render({ model, el }) {
  const { feed, watch, hear, tick } = frame(model, el);
  const [machine, figure, range] = [picker("Machine", "series-host"), picker("Figure", "series-figure"),
    picker("Over which time", "series-range")];
  options(range, RANGES, "3600");
  const drawing = plot({ ...model.chart, title: "" }, feed);
  const note = h("p.quiet", { role: "status", data: { testid: "series-note" } });
  const section = h("section.card", { "aria-label": "Over time", data: { testid: "series" } },
    h("div.label.tools", {}, h("h2", {}, "Over time"), h("span.space"), machine, figure, range), drawing, note);
  el.append(section);
  let names = {};
  let wanted = {}; // what was pressed elsewhere, until this card is in view
  let [turn, askedAt] = [0, 0];

  async function draw({ rows: found, unit, since_s: since, until_s: until }) {
    const shape = await drawing.drawn;
    const [shown, scale] = scaleOf(unit, found.reduce((most, row) => Math.max(most, row[3]), 0));
    shape.document.get_model_by_name("series").data = columnsOf(found, scale,
      Math.max(LONGEST_PERIOD_S, 3 * (until - since) / POINTS));
    shape.x_range.setv({ start: asMoment(since), end: asMoment(until) });
    shape.y_range.start = unit === "°C" ? null : 0;
    const title = figure.selectedOptions[0];
    setText(drawing.querySelector("figcaption span"), [title?.parentNode.label, title?.textContent].filter(Boolean)
      .join(": ") + (shown ? `, ${shown}` : ""));
    setText(note, found.length ? "" : "Nothing was measured in this time.");
  }

  async function load() {
    const mine = (turn += 1);
    askedAt = Date.now();
    const until = feed.now() / 1000;
    try {
      const answer = figure.value && await feed.fetch(`/api/series?${new URLSearchParams({ host: machine.value,
        metric: figure.value, since: until - Number(range.value), until, points: POINTS })}`);
      if (mine === turn && answer) draw(answer);
    } catch (error) {
      setText(note, `The hub does not tell: ${error.message ?? error}.`);
    }
  }

  function list() {
    show(machine, Object.keys(names).length > 1);
    chooseFigure(figure, groupsOf(names[machine.value] ?? [], model.metrics, feed.board.get("hosts", machine.value)));
  }

  async function open() {
    if (view() !== "machines") return;
    const { host, key } = wanted;
    wanted = {};
    try {
      names = (await feed.fetch("/api/series/names"))?.hosts ?? {};
    } catch (error) {
      setText(note, `The hub does not tell: ${error.message ?? error}.`);
      return;
    }
    options(machine, Object.keys(names).sort().map((name) => [name, name]), host);
    list();
    if (names[machine.value]?.includes(key)) figure.value = key;
    if (key) section.scrollIntoView({ block: "nearest" });
    load();
  }

  machine.addEventListener("change", () => { list(); load(); });
  [figure, range].forEach((select) => select.addEventListener("change", load));
  hear("echodeck-view", () => open());
  hear("echodeck-theme", () => drawing.tint?.());
  hear("echodeck-series", (event) => {
    wanted = event.detail;
    open();
  });
  let known = false;
  watch(["hosts"], () => {
    if (known || !feed.board.all("hosts").size) return;
    known = true;
    open();
  });
  tick(() => {
    const often = Number(range.value) <= 3600 ? 10e3 : 60e3;
    if (view() === "machines" && figure.value && Date.now() - askedAt > often) load();
  });
  model.on("remove", () => drawing.end());
}
