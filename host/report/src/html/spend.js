// What it took, against what it might have taken.
function budgetBar(word, used, most, say) {
  const known = most !== null && most !== undefined && most > 0;
  const share = known ? Math.min(1, used / most) : 0;
  const fill = el("span", { class: `fill ${share > 0.9 ? "near" : ""}${share === 0 ? " empty" : ""}` });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  const label = known ? `${say(used)} of ${say(most)}` : say(used);
  return el("div", { class: "budget" }, el("span", { class: "word" }, word),
    known ? el("span", { class: "track", role: "meter", "aria-label": `${word}: ${label}`, "aria-valuemin": 0, "aria-valuemax": most, "aria-valuenow": Math.min(used, most) }, fill)
      : null,
    el("span", { class: "number" }, label));
}

function budgets() {
  return run.works.filter((took) => took.time_ms > 0 || took.spent.tokens > 0 || took.spent.calls > 0).map((took) => {
    const most = took.ceiling || {};
    return el("div", { class: "work" }, el("h3", {}, took.work),
      budgetBar("time", took.time_ms, most["time-ms"], millis),
      budgetBar("tokens", took.spent.tokens, most.tokens, grouped),
      budgetBar("money", took.spent.spend, most.spend, money),
      budgetBar("calls", took.spent.calls, most.calls, grouped));
  });
}

// At most so many points: the last of each pixel is enough, since what is drawn only grows.
function thinned(points, most) {
  if (points.length <= most) return points;
  const step = points.length / most;
  return Array.from({ length: most }, (_, at) => points[Math.min(points.length - 1, Math.floor((at + 1) * step) - 1)]);
}

function stepLine(points, x, y, value) {
  let line = "";
  let last = 0;
  for (const point of points) {
    line += `H${x(point.at).toFixed(1)}V${y(value(point)).toFixed(1)}`;
    last = value(point);
  }
  return { line: `M${x(0).toFixed(1)},${y(0).toFixed(1)}${line}H${x(duration).toFixed(1)}`, last };
}

function drawCurve(host, { value, ahead, cap, say, label }) {
  const width = Math.max(260, host.clientWidth);
  const height = 150;
  const points = thinned(run.spend, 1000);
  const most = Math.max(1, ...points.map((point) => Math.max(value(point), ahead ? ahead(point) : 0)));
  const shown = cap && cap < most * 3;
  const top = (shown ? Math.max(cap, most) : most) * 1.15;
  const x = (ms) => 58 + (ms / duration) * (width - 70);
  const y = (n) => height - 22 - (n / top) * (height - 36);
  const { line, last } = stepLine(points, x, y, value);
  const area = `${line}V${y(0)}H${x(0)}Z`;
  const grid = ticks(top, 4).filter((n) => n <= top).map((n) => svg("g", {},
    svg("line", { class: "grid", x1: 58, x2: width - 12, y1: y(n), y2: y(n) }),
    svg("text", { class: "axis", x: 52, y: y(n) + 4, "text-anchor": "end" }, say(n))));
  const ahead_ = ahead ? svg("path", { class: "ahead", d: `${stepLine(points, x, y, ahead).line}` }) : null;
  const limit = shown ? svg("g", {}, svg("line", { class: "cap", x1: 58, x2: width - 12, y1: y(cap), y2: y(cap) }),
    svg("text", { class: "axis cap-word", x: width - 14, y: y(cap) - 5, "text-anchor": "end" }, `at most ${say(cap)}`)) : null;
  const foot = svg("text", { class: "axis", x: width - 12, y: height - 6, "text-anchor": "end" }, millis(duration));
  const words = `${label}: ${say(last)}${cap ? ` of at most ${say(cap)}` : ""}`;
  host.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
    grid, svg("path", { class: "area", d: area }), ahead_, svg("path", { class: "curve", d: line }), limit, foot),
  el("p", { class: "under" }, words));
}

const compactTokens = (n) => (n < 1000 ? String(Math.round(n)) : n < 1e6 ? `${(n / 1000).toFixed(n < 10000 ? 1 : 0)}k` : `${(n / 1e6).toFixed(1)}M`);
const shortMoney = (n) => (n < 100000 || n % 10000 !== 0 ? money(n) : `$${(n / 1e6).toFixed(2)}`);

function spendSection() {
  const curves = [];
  if (run.spend.length > 0) {
    const caps = run.works.map((took) => (took.ceiling ? took.ceiling.tokens : null));
    const tokenCap = caps.includes(null) ? null : caps.reduce((a, b) => a + b, 0);
    for (const curve of [
      { label: "money", value: (point) => point.spend, ahead: (point) => point.spend + point.reserved, cap: run.step_spend, say: shortMoney },
      { label: "tokens", value: (point) => point.tokens, cap: tokenCap, say: compactTokens },
    ]) {
      const host = el("div", { class: "chart half" });
      whenShown.push(() => drawCurve(host, curve));
      curves.push(host);
    }
  }
  const hint = run.works.some((took) => took.ceiling) ? "against what the step may spend" : "the trace does not say what it might have spent";
  return section("spend", "Budgets", hint, el("div", { class: "works" }, budgets()),
    curves.length > 0 ? el("div", { class: "pair" }, curves) : el("p", { class: "quiet" }, "No request left: nothing was spent."),
    curves.length > 0 ? el("p", { class: "quiet" }, "The dotted line is what was set aside for the request under way.") : null);
}
