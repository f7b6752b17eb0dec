// The files that a job made: where each can be seen, where the original lies, and what stands for it without a picture.

const KINDS = ["image", "video", "audio"];

// What can be opened: the original in the program that keeps it, else the file as the hub serves it; "" if neither.
function addressOf(feed, output) {
  return reachable(output.link) || (output.path ? feed.url(output.url) : "");
}

// The address of a small picture of it, or "". Of what another program keeps there is one if there is a path.
function thumbnailOf(feed, output) {
  return output.path && (output.link || kindOf(output) === "image") ? feed.url(output.url) : "";
}

function kindOf(output) {
  const kind = output.kind.split("/")[0];
  return KINDS.includes(kind) ? kind : "file";
}

// PNG, MP4, GLTF
function formatOf({ kind }) {
  if (kind === "application/octet-stream") return "FILE";
  return (kind.split("/")[1] ?? kind).replace(/^x-/, "").split(/[-+;]/)[0].slice(0, 6).toUpperCase();
}

function placeOf(job, output) {
  if (output.link) return output.link;
  return `on ${output.host || job.host || "its machine"}: ${output.path}`;
}

// One output as a small link: its number, and where the file lies.
function numbered(feed, job) {
  const node = h("a", { target: "_blank", rel: "noopener noreferrer", data: { testid: "job-output-n" } });
  node.update = ([n, output]) => {
    const url = addressOf(feed, output);
    setText(node, kindOf(output) === "image" ? String(n + 1) : `${n + 1} ${formatOf(output)}`);
    setAttr(node, "title", placeOf(job, output));
    setAttr(node, "aria-label", `Open ${kindOf(output)} ${n + 1} of ${job.title}`);
    if (url) node.href = url;
  };
  return node;
}

// The first output as a picture that opens it, or what stands for it. `lost` is called once its picture cannot be had.
function frontOf(feed, jobId, lost) {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async" });
  const symbol = h("span.symbol", { hidden: true });
  const node = h("a.picture", { target: "_blank", rel: "noopener noreferrer", data: { testid: "job-output" } }, mark(),
    symbol, image);
  node.missing = ""; // the address of the picture that could not be had
  image.addEventListener("error", () => {
    const [output] = feed.board.get("jobs", jobId)?.outputs ?? [];
    if (output && image.src === thumbnailOf(feed, output)) {
      node.missing = image.src;
      lost();
    } else {
      node.classList.add("gone");
    }
  });
  node.update = (job) => {
    const [output] = job.outputs;
    const whole = output ? thumbnailOf(feed, output) : "";
    const shown = (whole !== node.missing && whole) || feed.board.get("previews", jobId)?.image || "";
    if (shown && image.getAttribute("src") !== shown) {
      node.classList.remove("gone");
      image.src = shown;
    }
    image.alt = shown ? job.title : "";
    const bare = output && !shown;
    show(symbol, Boolean(bare));
    if (bare) symbol.replaceChildren(icon(kindOf(output)), h("b", {}, formatOf(output)));
    // A file of ours whose picture cannot be had lies on another machine, or is gone.
    const url = output && (output.link || !node.missing) ? addressOf(feed, output) : "";
    if (url) node.href = url;
    else node.removeAttribute("href");
    setAttr(node, "role", url ? "link" : "img"); // without an address it is no link, and would have no name
    setAttr(node, "title", output ? placeOf(job, output) : "");
    setAttr(node, "aria-label", url ? `Open ${job.title}` : job.title);
    node.classList.toggle("none", !shown);
    node.classList.toggle("bare", Boolean(bare));
  };
  return node;
}
