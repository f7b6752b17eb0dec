// The form that queues a job, in a dialog or as a card. A workflow may be dropped anywhere on it.

function takeDrops(box, take) {
  const files = (event) => event.dataTransfer?.types.includes("Files");
  const turn = (on) => box.classList.toggle("dragging", on);
  box.addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    turn(true);
  });
  box.addEventListener("dragleave", (event) => box.contains(event.relatedTarget) || turn(false));
  box.addEventListener("drop", (event) => {
    turn(false);
    if (!files(event)) return;
    event.preventDefault(); // the browser would leave the page for the file
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const heading = h("h2", {}, "New job");
  const dialog = h("dialog.sheet", { "aria-label": "New job" });
  const node = form(feed, (ids) => {
    say(ids.length > 1 ? `${ids.length} jobs are queued.` : "The job is queued.");
    if (dialog.open) dialog.close();
  });
  if (model.inline) {
    const section = h("section.card", {}, h("div.label", {}, heading), node);
    takeDrops(section, node.take);
    el.append(section);
  } else {
    const close = iconButton("cancel", "Close", "submit-close", () => dialog.close(), ".plain");
    dialog.append(h("div.label", {}, heading, h("span.space"), close), node);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    takeDrops(dialog, node.take);
    el.append(dialog);
    hear("echodeck-new-job", () => {
      node.refresh();
      dialog.showModal();
      node.begin();
    });
  }
  watch(["engines", "parts"], () => node.refresh());
}
