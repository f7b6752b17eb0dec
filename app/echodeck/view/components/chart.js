// One chart made in Python, embedded as a document of its own: nothing it does is echoed to Python.

export function render({ model, el }) {
  const { feed } = frame(model, el);
  let node = null;
  const draw = () => {
    if (node) node.end();
    node = model.chart?.item ? plot(model.chart, feed) : h("p.empty", {}, "No chart.");
    node.end ??= () => {};
    el.replaceChildren(h("section.card", {}, node));
  };
  model.on("chart", draw);
  model.on("remove", () => node.end());
  draw();
}
