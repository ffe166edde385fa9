// The timeline: what the run did when, in lanes.
const LANES_MAX = 16;
const BARS_MAX = 1500;
const LEFT = 74;

// Round steps for an axis of `span` units, about `most` of them.
function ticks(span, most) {
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let at = 0; at <= span * 1.0001; at += step) found.push(at);
  return found;
}

// Bars side by side: each in the first lane that is free by then.
function lanes(bars) {
  const ends = [];
  for (const bar of bars) {
    let lane = ends.findIndex((end) => end <= bar.begin);
    if (lane < 0) lane = ends.length < LANES_MAX ? ends.length : LANES_MAX - 1;
    ends[lane] = Math.max(ends[lane] || 0, bar.end);
    bar.lane = lane;
  }
  return Math.max(1, ends.length);
}

const phaseWord = (name) => name.toLowerCase().replace(/_/g, " ");

function timelineRows() {
  const last = (end) => (end === null ? duration : end);
  const phases = run.phases.filter((span) => span.end > span.begin).map((span) => ({
    begin: span.begin, end: span.end, kind: `phase p-${span.what.toLowerCase()}`, label: phaseWord(span.what),
    title: `${phaseWord(span.what)}: ${millis(span.end - span.begin)}`,
  }));
  const turns = run.turns.map((turn, at) => ({
    begin: turn.requested === null ? turn.begin : turn.requested, end: last(turn.end), kind: `turn ${turn.state.is}`,
    label: `turn ${turn.number}`, open: () => showTurn(at),
    title: `turn ${turn.number}, try ${turn.try_number}: ${turn.state.is}, ${grouped(turn.tokens)} tokens, ${money(turn.spend)}`,
  }));
  const waits = run.waits.map((wait) => ({
    begin: wait.begin, end: Math.min(duration, wait.begin + wait.for_ms), kind: "wait", label: "wait",
    title: `waiting ${millis(wait.for_ms)} before turn ${wait.turn} again: ${wait.code}`,
  }));
  const tests = run.tests.map((round) => ({
    begin: round.begin, end: last(round.end), kind: `tests ${round.said && round.said.passed ? "good" : "bad"}`,
    label: round.round === 0 ? "tests before" : `tests with patch ${round.round}`,
    title: `${testsWord(round)}: ${testsSaid(round.said)}`,
  }));
  const calls = run.calls.map((call, at) => ({
    begin: call.begin, end: last(call.end), kind: `call ${call.source || "open"} ${call.state.is}`, label: call.tool,
    open: () => showCall(at),
    title: `${call.name} ${call.tool}: ${call.state.is}${call.source === "cache" ? " from the cache" : ""}, ${micros(call.usage["wall-us"])}`,
  }));
  return [["phase", phases], ["model", turns], ["waits", waits], ["tests", tests], ["calls", calls]]
    .filter(([, bars]) => bars.length > 0);
}

// Where there are more bars than pixels, how many there are at a time.
function dense(bars, x, top, height) {
  const width = Math.ceil(x(duration)) - LEFT;
  const load = new Float64Array(width + 2);
  for (const bar of bars) {
    load[Math.floor(x(bar.begin)) - LEFT] += 1;
    load[Math.min(width, Math.ceil(x(bar.end)) - LEFT) + 1] -= 1;
  }
  let sum = 0;
  const sums = Array.from(load.subarray(0, width + 1), (change) => (sum += change));
  const most = sums.reduce((a, b) => Math.max(a, b), 1);
  const y = (n) => (top + height - (n / most) * (height - 2)).toFixed(1);
  const line = sums.map((n, at) => `L${LEFT + at},${y(n)}`).join("");
  return svg("path", { class: "load", d: `M${LEFT},${top + height}${line}L${LEFT + width},${top + height}Z` },
    svg("title", {}, `${count(bars.length, "bar")}, at most ${most} at a time`));
}

function drawBar(bar, x, top, height) {
  const left = x(bar.begin);
  const width = Math.max(2, x(bar.end) - left - 0.5);
  const open = bar.open;
  const box = svg("g", open ? { class: "can-open", tabindex: "0", role: "button", "aria-label": bar.title,
    on: { click: open, keydown: (event) => { if (event.key === "Enter") open(); } } } : { role: "img", "aria-label": bar.title },
  svg("title", {}, bar.title),
  svg("rect", { class: `bar ${bar.kind}`, x: left.toFixed(1), y: top, width: width.toFixed(1), height, rx: 3 }));
  if (width > bar.label.length * 6.6 + 10) {
    box.append(svg("text", { class: "in-bar", x: (left + 6).toFixed(1), y: top + height / 2 + 4 }, bar.label));
  }
  return box;
}

function drawTimeline(host) {
  const width = Math.max(480, host.clientWidth);
  const x = (ms) => LEFT + (ms / duration) * (width - LEFT - 8);
  const parts = [];
  let top = 8;
  for (const [name, bars] of timelineRows()) {
    const tall = name === "phase" ? 24 : 18;
    parts.push(svg("text", { class: "lane", x: 0, y: top + tall / 2 + 4 }, name));
    if (bars.length > BARS_MAX) {
      parts.push(dense(bars, x, top, 64));
      top += 64 + 8;
      continue;
    }
    const deep = lanes(bars);
    for (const bar of bars) parts.push(drawBar(bar, x, top + bar.lane * (tall + 3), tall));
    top += deep * (tall + 3) + 8;
  }
  const grid = ticks(duration, width / 110).map((ms) => svg("g", {},
    svg("line", { class: "grid", x1: x(ms), x2: x(ms), y1: 2, y2: top }),
    svg("text", { class: "axis", x: x(ms), y: top + 14, "text-anchor": ms === 0 ? "start" : x(ms) > width - 40 ? "end" : "middle" }, ms === 0 ? "0" : millis(ms))));
  const starts = run.attempts.slice(1, 50).map((attempt) => svg("g", {},
    svg("line", { class: "attempt", x1: x(attempt.begin), x2: x(attempt.begin), y1: 0, y2: top }),
    svg("text", { class: "axis strong", x: x(attempt.begin) + 4, y: top - 1 }, `attempt ${attempt.number}`)));
  const chart = svg("svg", { width, height: top + 20, viewBox: `0 0 ${width} ${top + 20}`, role: "group", "aria-label": "what happened when" }, grid, parts, starts);
  host.replaceChildren(chart);
}

function timelineSection() {
  const host = el("div", { class: "chart" });
  const legend = [["fresh", "ran"], ["cache", "from the cache"], ["host", "by the host"], ["failed", "failed"], ["wait", "waiting"]]
    .map(([kind, word]) => el("li", {}, el("span", { class: `key ${kind}` }), word));
  const card = section("timeline", "Timeline", `${millis(duration)} of work`, host, el("ul", { class: "legend" }, legend));
  whenShown.push(() => drawTimeline(host));
  return card;
}
