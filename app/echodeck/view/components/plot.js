// Embedded Bokeh figures, fed from the board. The rules of a binding are those in charts/chart.py.

function pick(payload, path) {
  return path.split(".").reduce((found, part) => (found === null || found === undefined ? undefined : found[part]),
    payload);
}

function asNumber(found) {
  return typeof found === "number" ? found : typeof found === "boolean" ? Number(found) : NaN;
}

// Bokeh's time axes show UTC, so a moment becomes the reader's own clock.
function asMoment(found) {
  const ms = typeof found === "string" ? Date.parse(found) : asNumber(found) * 1000;
  return Number.isFinite(ms) ? ms - new Date(ms).getTimezoneOffset() * 60000 : NaN;
}

function valueOf(payload, field) {
  if (field.moment) return asMoment(pick(payload, field.path));
  let number = field.path ? asNumber(pick(payload, field.path)) : 1;
  if (field.plus) number += asNumber(pick(payload, field.plus));
  number *= field.scale;
  if (field.over) {
    const over = asNumber(pick(payload, field.over));
    number = over ? number / over : NaN;
  }
  return Number.isFinite(number) ? number : NaN;
}

function rowOf(payload, binding) {
  return Object.fromEntries(Object.entries(binding.columns).map(([name, field]) => [name, valueOf(payload, field)]));
}

function pour(source, binding, payload) {
  const row = rowOf(payload, binding);
  const x = row[binding.x];
  if (Number.isNaN(x) || (binding.least !== null && x < binding.least)) return;
  const seen = source.data[binding.x];
  const last = seen.length ? seen[seen.length - 1] : -Infinity;
  const columns = Object.fromEntries(Object.entries(row).map(([name, number]) => [name, [number]]));
  if (binding.restart !== null && last - x > binding.restart) source.data = columns;
  else if (x > last) source.stream(columns, binding.rollover);
}

// Rows that the hub remembers, oldest first, under those that have come since the page was opened. All in one go: a
// figure redraws with every stream.
function recall(source, binding, payloads) {
  const seen = source.data[binding.x];
  const first = seen.length ? seen[0] : Infinity;
  const known = payloads.map((payload) => rowOf(payload, binding)).filter((row) => row[binding.x] < first
    && (binding.least === null || row[binding.x] >= binding.least));
  if (!known.length) return;
  source.data = Object.fromEntries(Object.keys(source.data).map((name) => {
    const column = [...known.map((row) => row[name] ?? NaN), ...source.data[name]];
    return [name, binding.rollover ? column.slice(-binding.rollover) : column];
  }));
}

// A figure drawn without rows cannot set its ranges and says so, so what is known already is written into its sources.
function begin(item, bindings, feed) {
  const walk = (node) => {
    if (node === null || typeof node !== "object") return;
    const binding = node.name === "ColumnDataSource"
      && bindings.find(({ source }) => source === node.attributes?.name);
    const payload = binding && feed.board.get(binding.kind, binding.key);
    const entries = node.attributes?.data?.entries;
    if (payload && entries && !entries.some(([, column]) => column.length)) {
      const row = rowOf(payload, binding);
      if (!Number.isNaN(row[binding.x])) entries.forEach((entry) => { entry[1] = [row[entry[0]] ?? NaN]; });
    }
    Object.values(node).forEach(walk);
  };
  walk(item.doc.roots);
  return item;
}

// Axes and grid for a small figure, in the colours of the theme that is on.
function tint(document, near) {
  const css = getComputedStyle(near);
  const [words, lines] = ["--muted", "--line"].map((name) => css.getPropertyValue(name).trim());
  for (const model of document.all_models ?? document._all_models.values()) {
    if ("major_label_text_color" in model.properties) model.major_label_text_color = words;
    if ("axis_line_color" in model.properties && model.axis_line_color) model.axis_line_color = lines;
    // A narrow figure's labels must not touch, and a time's are the widest.
    if ("desired_num_ticks" in model.properties) model.desired_num_ticks = "tickers" in model.properties ? 3 : 4;
    if ("grid_line_color" in model.properties && model.grid_line_color) model.grid_line_color = lines;
  }
}

// Embeds a chart (to_json in charts/chart.py) in a new element. `watch` is the component's; returns the element, which
// has `end()` to take the figure down and `drawn`, a promise of Bokeh's model of it. `past` is a promise of what the chart's records were before, oldest first.
function plot(chart, feed, past = null) {
  const target = h("div.figure-box");
  const legend = h("span.legend", {}, ...Object.entries(chart.notes ?? {}).map(([label, color]) => {
    const mark = h("i");
    mark.style.background = color;
    return h("span", {}, mark, label.replace(/ (%|MB\/s)$/, "")); // the axis or the title says the unit
  }));
  const node = h("figure.plot", { data: { testid: "plot", plot: chart.name } },
    h("figcaption", {}, h("span", {}, chart.title), legend), target);
  let off = () => {};
  let arrive = null;
  node.drawn = new Promise((resolve) => { arrive = resolve; });
  let views = null;
  let gone = false;
  node.end = () => {
    gone = true;
    off();
    if (views) for (const view of views.roots ?? views) view.remove();
  };
  // A figure measures its place when it is made, so it waits until it is in the page.
  requestAnimationFrame(async () => {
    if (!window.Bokeh || gone) return;
    try {
      views = await window.Bokeh.embed.embed_item(begin(structuredClone(chart.item), chart.bindings, feed), target);
    } catch (error) {
      console.error("echodeck: a chart cannot be drawn", error);
      return;
    }
    const [view] = [...(views.roots ?? views)];
    arrive(view.model);
    const bound = chart.bindings.map((binding) => [binding, view.model.document.get_model_by_name(binding.source)]);
    node.tint = () => tint(view.model.document, node);
    node.tint();
    node.sources = Object.fromEntries(bound.map(([binding, source]) => [binding.source, source]));
    off = feed.watch([...new Set(chart.bindings.map((binding) => binding.kind))], (changed) => {
      for (const [binding, source] of bound) {
        const payload = changed.get(binding.kind)?.has(binding.key) && feed.board.get(binding.kind, binding.key);
        if (payload && source) pour(source, binding, payload);
      }
    });
    if (gone) node.end();
    const payloads = await past;
    if (gone || !payloads) return;
    for (const [binding, source] of bound) if (source) recall(source, binding, payloads);
  });
  return node;
}
