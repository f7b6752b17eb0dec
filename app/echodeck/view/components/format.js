// Figures as people read them. Durations are seconds, sizes bytes; what is unknown is an en dash.

const NONE = "–";

// 0:38, 6:12, 1:02:03, 2 d 3 h
function span(s) {
  if (!Number.isFinite(s)) return NONE;
  const whole = Math.max(0, Math.round(s));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

// 0.6 s, 37 s, 3:20
function short(s) {
  if (!Number.isFinite(s)) return NONE;
  if (s >= 90) return span(s);
  return s < 9.95 ? `${Math.max(0, s).toFixed(1)} s` : `${Math.round(s)} s`;
}

// ± half the interval, coarser as it grows
function plusMinus(low, high) {
  const half = (high - low) / 2;
  if (!Number.isFinite(half) || half < 0.05) return "";
  if (half >= 48 * 3600) return `± ${Math.round(half / 86400)} d`;
  if (half >= 90 * 60) return `± ${Math.round(half / 3600)} h`;
  if (half >= 90) return `± ${Math.round(half / 60)} min`;
  return half < 3 ? `± ${half.toFixed(1)} s` : `± ${Math.round(half)} s`;
}

// Of a time left: an interval that is wider than the time itself has only an end worth saying.
function doubt(middle, low, high) {
  return (high - low) / 2 > middle ? `up to ${span(high)}` : plusMinus(low, high);
}

function clock(ms, seconds = false) {
  if (!Number.isFinite(ms)) return NONE;
  const parts = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (seconds) parts.second = "2-digit";
  const at = new Date(ms);
  const day = Math.abs(ms - Date.now()) > 20 * 3600e3 ? `${at.toLocaleDateString([], { weekday: "short" })} ` : "";
  return day + at.toLocaleTimeString("en-GB", parts);
}

function since(s) {
  if (!Number.isFinite(s)) return "";
  if (s < 5) return "just now";
  if (s < 90) return `${Math.round(s)} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  return s < 129600 ? `${Math.round(s / 3600)} h ago` : `${Math.round(s / 86400)} d ago`;
}

function bytes(n, unit = "") {
  if (!Number.isFinite(n)) return NONE;
  const names = ["B", "KB", "MB", "GB", "TB"];
  const place = names.indexOf(unit) >= 0 ? names.indexOf(unit) : Math.min(4,
    Math.floor(Math.log(n + 1) / Math.log(1024)));
  const value = n / 1024 ** place;
  return `${value < 9.95 && place > 1 ? value.toFixed(1) : Math.round(value)} ${names[place]}`;
}

// 9.9 / 12 GB: both in the unit of the whole
function ofBytes(used, total) {
  const unit = bytes(total).split(" ")[1];
  const scale = total / parseFloat(bytes(total)) || 1;
  return `${Number((used / scale).toPrecision(3))} / ${bytes(total, unit)}`;
}

function percent(x) {
  return Number.isFinite(x) ? `${Math.floor(x + 1e-9)} %` : NONE;
}

// How far a job is. One that does not know its end, a script's loop say, has only its step to tell.
function endless(job) {
  return job.currentStep > 0 && !job.totalSteps && !job.progress;
}

function shareOf(job) {
  return endless(job) ? `step ${job.currentStep}` : percent(job.progress);
}

function when(iso) {
  return iso ? Date.parse(iso) : NaN;
}

// A job's size: 1216 × 832, with frames or batch
function size(job) {
  const plain = job.width && job.height ? `${job.width} × ${job.height}` : job.resolution;
  return [job.batch > 1 ? `${plain} × ${job.batch}` : plain, job.frames > 1 && `${job.frames} frames`]
    .filter(Boolean).join(" · ");
}

// How a job samples: euler karras
function method(job) {
  return [job.sampler, job.scheduler].filter(Boolean).join(" ");
}

// A figure of any size to four digits: 0.1234, 12.35, 52400
function figures(x) {
  if (!Number.isFinite(x)) return NONE;
  return Math.abs(x) >= 1000 ? String(Math.round(x)) : String(Number(x.toPrecision(4)));
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return (words.length > 1 ? words[0][0] + words.at(-1)[0] : name.trim().slice(0, 2)).toUpperCase();
}

// One hue a name, always the same; the golden angle keeps like names apart
function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return `hsl(${Math.round(sum * 137.5) % 360} 65% 68%)`;
}

// Seconds left of a job by our clock, its estimate counted down since it was made; null when unknown.
function left(job, nowMs) {
  if (!Number.isFinite(job.eta)) return null;
  const aged = job.status === "running" && job.etaAt ? (nowMs - when(job.etaAt)) / 1000 : 0;
  return Math.max(0, job.eta - Math.max(0, aged));
}

// A worker has it (running, or paused in mid-work)
function inHand(job) {
  return job.status === "running" || (job.status === "paused" && Boolean(job.workerId));
}

function ended(job) {
  return job.status === "completed" || job.status === "failed" || job.status === "cancelled";
}
