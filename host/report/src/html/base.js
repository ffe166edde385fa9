// Elements, numbers and words. Text from outside only ever becomes a text node, or an attribute of SVG and ARIA.
const data = JSON.parse(document.getElementById("data").textContent);
const { run, cache, trails, events } = data;
const root = document.documentElement;
root.dataset.errors = "0";
root.dataset.violations = "0";
addEventListener("error", () => { root.dataset.errors = String(Number(root.dataset.errors) + 1); });
addEventListener("securitypolicyviolation", () => { root.dataset.violations = String(Number(root.dataset.violations) + 1); });

// Characters that show nothing, or turn the text around, are shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
const plain = (text) => String(text).replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

function fill(node, parts) {
  for (const part of parts) {
    if (part === null || part === undefined || part === false) continue;
    if (Array.isArray(part)) fill(node, part);
    else if (part instanceof Node) node.append(part);
    else node.append(document.createTextNode(plain(part)));
  }
  return node;
}

function el(name, given, ...parts) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(given || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : plain(value));
  }
  return fill(node, parts);
}

function svg(name, given, ...parts) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(given || {})) {
    if (value === null || value === undefined) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else node.setAttribute(key, plain(value));
  }
  return fill(node, parts);
}

const grouped = (n) => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
const count = (n, what) => `${grouped(n)} ${what}${n === 1 ? "" : "s"}`;
const money = (micros) => `$${(Math.floor(micros / 100) / 1e4).toFixed(4)}`;
const percent = (n, of) => (of > 0 ? `${Math.round((100 * n) / of)} %` : "–");

// Cut, not rounded: what is told in two places is told alike.
function millis(ms) {
  const tenths = Math.floor(ms / 100);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  const [unit, small, long, short] = ms < 3600000 ? [60000, 1000, "min", "s"] : [3600000, 60000, "h", "min"];
  const rest = Math.floor((ms % unit) / small);
  return `${Math.floor(ms / unit)} ${long}${rest > 0 ? ` ${rest} ${short}` : ""}`;
}

const micros = (us) => (us < 1000 ? `${us} µs` : us < 1e6 ? `${(us / 1000).toFixed(1)} ms` : millis(us / 1000));

function bytes(n) {
  if (n < 1024) return `${n} B`;
  return n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`;
}

// JSON as people read it; anything else as it is.
function pretty(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

const kept = (kept) => kept.text + (kept.bytes > byteLength(kept.text) ? `\n… ${bytes(kept.bytes)} in all` : "");
const coder = new TextEncoder();
const byteLength = (text) => coder.encode(text).length;
const callNames = new Map(run.calls.map((call, at) => [call.name, at]));
const callName = (id) => {
  if (!id) return "";
  const place = id.index + 1;
  if (id.origin === "context") return `context.${place}`;
  return "turn" in id.origin ? `turn${id.origin.turn}.${place}` : `tests${id.origin.tests}.${place}`;
};

const section = (id, title, hint, ...parts) =>
  el("section", { id, "aria-labelledby": `${id}-title`, class: "card" },
    el("h2", { id: `${id}-title` }, title, hint ? el("small", {}, hint) : null), parts);
const pre = (text, label) => el("pre", { tabindex: "0", "aria-label": label }, text);
const whenShown = [];
const duration = Math.max(1, ...run.phases.map((span) => span.end));

// What stands behind the `#` of the address: `name=value`, joined by `&`.
function asked(name) {
  const found = new RegExp(`[#&]${name}=([^&]*)`).exec(location.hash);
  try {
    return found ? decodeURIComponent(found[1]) : "";
  } catch {
    return "";
  }
}
