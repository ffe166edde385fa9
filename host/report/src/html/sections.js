// What came out: findings, patch, tests, and why.
const testsWord = (round) => (round.round === 0 ? "without a patch" : `with patch ${round.round}`);

function testsSaid(said) {
  if (!said) return "nothing was said";
  const exit = said["exit-code"] === null ? "did not come to an end" : `exit ${said["exit-code"]}`;
  const counts = said.counts;
  if (!counts || counts.tests === 0) return `${said.passed ? "passed" : "failed"}, ${exit}`;
  const rest = [[counts.failed, "failed"], [counts.errors, "could not run"], [counts.skipped, "skipped"]]
    .filter(([n]) => n > 0).map(([n, word]) => `, ${n} ${word}`).join("");
  return `${counts.passed} of ${counts.tests} passed${rest}`;
}

function tilesSection() {
  const turns = run.turns.filter((turn) => turn.state.is === "completed").length;
  const retries = run.turns.length - turns;
  const spent = run.works.reduce((sum, took) => sum + took.spent.spend, 0);
  const answered = cache.fresh + cache.cached;
  const tiles = [
    ["time", millis(duration), data.first_response_ms === null ? "no response came" : `first response after ${millis(data.first_response_ms)}`],
    ["money", money(spent), run.step_spend ? `${percent(spent, run.step_spend)} of ${money(run.step_spend)}` : "no ceiling is known"],
    ["turns", grouped(turns), retries > 0 ? `and ${count(retries, "try")} that came to nothing`.replace("trys", "tries") : `${count(run.links, "link")} to the model`],
    ["tool calls", grouped(run.calls.length), cache.shared > 0 ? `${grouped(cache.shared)} computed elsewhere` : `${grouped(cache.fresh)} ran`],
    ["from the cache", percent(cache.cached, answered), cache.saved_us > 0 ? `${micros(cache.saved_us)} of tool time saved` : "no tool time saved"],
    ["context reused", percent(cache.input_cached, cache.input), cache.input_saved > 0 ? `${money(cache.input_saved)} saved` : "nothing saved at the provider"],
  ];
  return el("section", { class: "tiles", "aria-label": "in numbers" },
    tiles.map(([word, number, rest]) => el("div", { class: "tile" }, el("span", { class: "word" }, word), el("strong", {}, number), el("span", { class: "rest" }, rest))));
}

function analysisSection() {
  const analysis = run.analysis;
  if (!analysis) return section("analysis", "Analysis", null, el("p", { class: "quiet" }, "There is no analysis."));
  const findings = analysis.findings.map((finding) => el("li", { class: `finding ${finding.severity}` },
    el("div", { class: "title" }, el("span", { class: `tag ${finding.severity}` }, finding.severity), el("strong", {}, finding.title),
      finding.file ? el("code", {}, `${finding.file}${finding.line ? `:${finding.line}` : ""}`) : null,
      el("span", { class: "quiet" }, `${finding.confidence} confidence`)),
    finding.evidence ? el("p", {}, finding.evidence) : null,
    finding.test ? el("p", { class: "quiet" }, "test ", el("code", {}, finding.test)) : null));
  const steps = analysis["next-steps"].map((step) => el("li", {}, step));
  const needs = (analysis.needs ?? []).map((need) => el("li", {}, el("span", { class: "tag" }, need.kind), el("strong", {}, need.question),
    need.options ? el("ul", {}, need.options.map((option) => el("li", {}, option))) : null,
    need.why ? el("p", { class: "quiet" }, need.why) : null));
  return section("analysis", "Analysis", count(findings.length, "finding"), el("p", { class: "lead" }, analysis.summary),
    findings.length > 0 ? el("ul", { class: "plain" }, findings) : null,
    needs.length > 0 ? [el("h3", {}, "What only you can say"), el("ol", {}, needs)] : null,
    steps.length > 0 ? [el("h3", {}, "What to do next"), el("ol", {}, steps)] : null);
}

const sameFile = (one, other) => one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);

function hunkRows(file, path, hunk) {
  const findings = run.analysis ? run.analysis.findings.filter((finding) => finding.file && sameFile(finding.file, path)) : [];
  let [old, fresh] = [hunk.old_line, hunk.new_line];
  const rows = [el("tr", { class: "place" }, el("td", { colspan: 2 }, "⋯"), el("td", {}, `line ${hunk.new_line}`, hunk.place ? ` · ${hunk.place}` : ""))];
  for (const line of hunk.lines) {
    const [left, right] = [line.side === "added" ? "" : old, line.side === "removed" ? "" : fresh];
    const mark = { both: " ", removed: "−", added: "+" }[line.side];
    rows.push(el("tr", { class: line.side }, el("td", {}, left), el("td", {}, right),
      el("td", {}, el("span", { class: "mark", "aria-label": line.side === "both" ? "" : line.side }, mark), line.text)));
    const at = line.side === "added" ? fresh : old;
    for (const finding of findings.filter((finding) => finding.line === at && line.side !== "added")) {
      rows.push(el("tr", { class: "remark" }, el("td", { colspan: 2 }), el("td", {}, el("span", { class: `tag ${finding.severity}` }, finding.severity), finding.title)));
    }
    if (line.side !== "added") old += 1;
    if (line.side !== "removed") fresh += 1;
  }
  return rows;
}

function fileBlock(proposal, file) {
  const path = file.new || file.old || "";
  const what = file.old === null ? "added" : file.new === null ? "deleted" : file.old !== file.new ? `renamed from ${file.old}` : "modified";
  const said = proposal.verdicts.filter((verdict) => verdict.paths && verdict.paths.includes(path));
  const lines = (side) => file.hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.side === side).length, 0);
  return el("div", { class: "file" },
    el("div", { class: "file-head" }, el("code", {}, path), el("span", { class: "quiet" }, what), el("span", { class: "plus" }, `+${lines("added")}`), el("span", { class: "minus" }, `−${lines("removed")}`)),
    said.map((verdict) => el("p", { class: `verdict ${verdict.passed ? "good" : "bad"}` }, `${verdict.gate}: ${verdict.because}`)),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `changes of ${path}` },
      el("table", { class: "diff" }, el("tbody", {}, file.hunks.map((hunk) => hunkRows(file, path, hunk))))));
}

function proposalBlock(proposal, at) {
  const left = proposal.problem === null;
  const verdicts = el("ul", { class: "verdicts" }, proposal.verdicts.map((verdict) =>
    el("li", { class: verdict.passed ? "good" : "bad" }, el("span", { class: "dot", "aria-hidden": "true" }, verdict.passed ? "✓" : "✗"), el("strong", {}, verdict.gate), ` ${verdict.because}`)));
  const tests = run.tests.find((round) => round.seq > proposal.seq && round.round > 0);
  const body = [
    proposal.why.text ? el("p", { class: "lead" }, kept(proposal.why)) : null,
    proposal.problem ? el("p", { class: "verdict bad" }, proposal.problem) : null,
    proposal.changes.length > 0 ? proposal.changes.map((file) => fileBlock(proposal, file)) : proposal.diff.text ? pre(kept(proposal.diff), "the patch as it was written") : null,
    el("h3", {}, "Gates"), verdicts,
    left && tests ? el("p", {}, "tests ", testsWord(tests), ": ", el("strong", { class: tests.said && tests.said.passed ? "good" : "bad" }, testsSaid(tests.said))) : null,
  ];
  const last = run.patches.length - 1;
  return el("details", { class: "proposal", open: at === last }, el("summary", {},
    el("span", { class: `tag ${left ? "good" : "error"}` }, left ? "let out" : "refused"), `patch ${at + 1} of ${last + 1}, by ${callName(proposal.call)}`), body);
}

function patchSection() {
  if (run.patches.length === 0) return section("patch", "Patch", null, el("p", { class: "quiet" }, "No patch was proposed."));
  return section("patch", "Patch", count(run.patches.length, "proposal"), run.patches.map(proposalBlock));
}

function testsSection() {
  if (run.tests.length === 0) return section("tests", "Tests", null, el("p", { class: "quiet" }, "The step's own tests were not run."));
  const names = ["tests", "passed", "failed", "errors", "skipped"];
  const rows = run.tests.map((round) => {
    const counts = round.said && round.said.counts;
    const time = round.end === null ? "–" : millis(round.end - round.begin);
    const cells = counts && counts.tests > 0 ? names.map((name) => el("td", { class: "n" }, grouped(counts[name]))) : el("td", { colspan: 5, class: "quiet" }, testsSaid(round.said));
    return el("tr", {}, el("th", { scope: "row" }, testsWord(round)), el("td", {}, el("span", { class: `tag ${round.said && round.said.passed ? "good" : "error"}` }, round.said && round.said.passed ? "passed" : "failed")), cells, el("td", { class: "n" }, time));
  });
  const failing = run.tests.filter((round) => round.said && round.said.counts && round.said.counts.failing.length > 0).map((round) => [
    el("h3", {}, `failing ${testsWord(round)}`), el("ul", { class: "names" }, round.said.counts.failing.map((name) => el("li", {}, el("code", {}, name))))]);
  return section("tests", "Tests", null, el("div", { class: "scroll" }, el("table", { class: "rows" },
    el("thead", {}, el("tr", {}, ["", "", "tests", "passed", "failed", "could not run", "skipped", "time"].map((word, at) => el("th", { scope: "col", class: at > 1 ? "n" : "" }, word)))), el("tbody", {}, rows))), failing);
}

// Why a hunk was written: one line from the failing test to the tests with it.
function trailBlock(trail) {
  const stop = (kind, word, ...parts) => el("li", { class: kind }, el("span", { class: "step" }, word), el("div", {}, parts));
  const findings = trail.findings.map((finding) => stop("finding", "finding", el("strong", {}, finding.title), finding.evidence ? el("p", {}, finding.evidence) : null));
  const seen = trail.evidence.map((seen) => stop("seen", "seen", el("button", { class: "link", on: { click: () => showCall(callNames.get(seen.call)) } }, `${seen.call} ${seen.tool}`), el("p", { class: "excerpt" }, seen.excerpt)));
  const passed = run.stop !== null && run.stop.reason.id === "done";
  return el("div", { class: "trail-of" }, el("h3", {}, el("code", {}, `${trail.path}:${trail.line}`), trail.last_line > trail.line ? `–${trail.last_line}` : ""),
    el("ol", { class: "trail" },
      trail.tests.length > 0 ? stop("bad", "failing", trail.tests.map((test) => el("div", {}, el("code", {}, test)))) : stop("", "failing", "no failing test is named"),
      findings, seen, stop("hunk", "proposed", `by ${trail.proposed}`, trail.why ? el("p", {}, trail.why) : null),
      trail.verdicts.map((verdict) => stop(verdict.passed ? "good" : "bad", "gate", el("strong", {}, verdict.gate), ` ${verdict.because}`)),
      stop(passed ? "good" : "", "tests", trail.after === null ? "were not run with this patch" : trail.after)));
}

function trailSection() {
  if (trails.length === 0) return null;
  const shown = trails.slice(0, 30);
  return section("why", "Why", "from the failing test to the change, as far as the trace shows", shown.map(trailBlock),
    trails.length > shown.length ? el("p", { class: "quiet" }, `and ${count(trails.length - shown.length, "change")} more`) : null);
}
