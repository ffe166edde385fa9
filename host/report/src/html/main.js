// Puts the page together.
function warnings() {
  const said = [];
  if (run.torn > 0) said.push(`The trace ends in ${bytes(run.torn)} of a line that was not written whole.`);
  if (run.unknown > 0) said.push(`${count(run.unknown, "record")} of a newer program could not be understood.`);
  if (!run.stop) said.push("The run has no end: its process died, or is still at work.");
  return said.map((text) => el("p", { class: "banner", role: "note" }, text));
}

function aboutSection() {
  const about = run.about;
  if (!about) return null;
  const tools = about.tools.map(([name, digest]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, grantOf(name)), el("td", {}, el("code", { class: "digest" }, digest.slice(0, 16)))));
  return section("about", "About", null,
    facts([["model", `${about.provider} (${about.model})`], ["version", about.version], ["isolation", about.isolation], ["key", el("code", { class: "digest" }, about.key)]]),
    tools.length > 0 ? el("details", {}, el("summary", {}, count(tools.length, "tool")), el("div", { class: "scroll" }, el("table", { class: "rows" }, el("thead", {}, el("tr", {}, ["tool", "may read", "component"].map((word) => el("th", { scope: "col" }, word)))), el("tbody", {}, tools)))) : null);
}

function grantOf(name) {
  const grant = run.about.grants.find((grant) => grant.tool === name);
  if (!grant) return "–";
  return grant.read ? grant.read.join(", ") : "every file";
}

const sections = [tilesSection, timelineSection, spendSection, analysisSection, patchSection, trailSection, testsSection, callsSection, eventsSection, aboutSection].map((make) => make()).filter(Boolean);
const names = sections.filter((node) => node.id).map((node) => el("a", { href: `#${node.id}` }, node.querySelector("h2").firstChild.textContent));
document.getElementById("page").append(el("nav", { "aria-label": "sections" }, names), ...warnings(), ...sections, dialog);
const drawAll = () => whenShown.forEach((draw) => draw());
drawAll();
let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; requestAnimationFrame(drawAll); } });
// A link to one call or turn: `#open=turn1.2`, `#open=turn3`.
function openAsked() {
  const name = asked("open");
  const turn = run.turns.findLastIndex((turn) => name === `turn${turn.number}`);
  if (callNames.has(name)) showCall(callNames.get(name));
  else if (turn >= 0) showTurn(turn);
}
openAsked();
addEventListener("hashchange", openAsked);
root.dataset.ready = "true";
root.dataset.loadMs = String(Math.round(performance.now()));
