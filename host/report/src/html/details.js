// The calls, and one call, turn or record in full.
const CALLS_FIRST = 25;
const CALLS_STEP = 200;
const dialog = el("dialog", { class: "drawer", "aria-label": "details" });

function open(title, ...parts) {
  const close = el("button", { class: "close", "aria-label": "close", on: { click: () => dialog.close() } }, "×");
  dialog.replaceChildren(el("div", { class: "drawer-head" }, el("h2", {}, title), close), el("div", { class: "drawer-body" }, fill(document.createDocumentFragment(), parts)));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

const facts = (rows) => el("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([word, value]) => [el("dt", {}, word), el("dd", {}, value)]));

function usageRows(call) {
  const usage = call.usage;
  const cached = call.source === "cache";
  return [
    [cached ? "looked up in" : "took", micros(usage["wall-us"])], ["saved", cached ? micros(usage["saved-us"]) : null],
    ["fuel", usage.fuel ? grouped(usage.fuel) : null], ["memory at most", usage["memory-peak"] ? bytes(usage["memory-peak"]) : null],
    ["read", usage["read-bytes"] ? bytes(usage["read-bytes"]) : null], ["questions to the repository", usage.questions ? `${grouped(usage.questions)}${usage["host-calls"] ? ` in ${count(usage["host-calls"], "call")}` : ""}` : null],
    ["answered", bytes(usage["output-bytes"] || call.output.bytes)], ["log lines dropped", usage["log-dropped"] || null],
  ];
}

function showCall(at) {
  const call = run.calls[at];
  if (!call) return;
  const digests = ["component", "input", "output", "key"].map((name) => [name, call.digests[name] ? el("code", { class: "digest" }, call.digests[name]) : null]);
  const from = call.source === "cache" ? "the cache" : call.source === "host" ? "the host, without a tool" : call.source === "fresh" ? "the tool, which ran" : "nobody: the process ended before";
  open(`${call.name} ${call.tool}`,
    facts([["ended", call.state.is === "ended" ? `by the host: ${call.state.ending}` : call.state.is], ["answered by", from], ["began", millis(call.begin)], ["record", `${call.seq}`],
      ["the cache could not answer", call.missed], ["computed elsewhere", call.shared ? `signed by ${call.shared.signer} in run ${call.shared.run}, domain ${call.shared.domain}` : null]]),
    call.denied.length > 0 ? [el("h3", {}, "Not granted"), pre(call.denied.join("\n"), "what would grant it")] : null,
    el("h3", {}, "Arguments"), pre(pretty(kept(call.arguments)), "arguments"),
    el("h3", {}, call.state.is === "answered" ? "Output" : "Said instead"), pre(pretty(kept(call.output)), "output"),
    call.log.length > 0 ? [el("h3", {}, "Log"), pre(call.log.map((line) => `${line.level}: ${line.line.text}`).join("\n"), "log")] : null,
    el("h3", {}, "What it took"), facts(usageRows(call)), el("h3", {}, "Digests"), facts(digests));
}

function showTurn(at) {
  const turn = run.turns[at];
  const usage = turn.usage;
  const failed = turn.state.is === "failed" ? `${turn.state.code}: ${turn.state.message}` : null;
  const asked = turn.asked.map((asked) => el("li", {}, asked.call ? el("button", { class: "link", on: { click: () => showCall(callNames.get(callName(asked.call))) } }, `${callName(asked.call)} ${asked.tool}`) : el("strong", {}, asked.tool), pre(pretty(kept(asked.arguments)), `arguments of ${asked.tool}`)));
  open(`turn ${turn.number}, try ${turn.try_number}`,
    facts([["ended", turn.state.is], ["because", failed], ["asked for", turn.work], ["left", turn.requested === null ? "never" : millis(turn.requested)], ["took", turn.end !== null && turn.requested !== null ? millis(turn.end - turn.requested) : null],
      ["told to wrap up", turn.wrap_up ? "yes" : null], ["set aside", `${grouped(turn.reserved_tokens)} tokens, ${money(turn.reserved)}`], ["charged", `${grouped(turn.tokens)} tokens, ${money(turn.spend)}${turn.known ? "" : " (the most it can have been)"}`],
      ["tokens in", usage ? `${grouped(usage.input)}, ${grouped(usage["cached-input"])} of them read before` : null], ["tokens out", usage ? `${grouped(usage.output)}, ${grouped(usage.reasoning)} of them reasoning` : null], ["response", turn.response_id]]),
    turn.text.text ? [el("h3", {}, "What it wrote"), pre(kept(turn.text), "text")] : null,
    asked.length > 0 ? [el("h3", {}, "What it called"), el("ul", { class: "plain" }, asked)] : null);
}

function callsSection() {
  if (run.calls.length === 0) return section("calls", "Tool calls", null, el("p", { class: "quiet" }, "No tool was called."));
  const body = el("tbody");
  const more = el("button", { class: "more", on: { click: () => show() } });
  const search = el("input", { type: "search", placeholder: "tool, arguments, output", "aria-label": "search the calls", on: { input: () => { shown = 0; body.replaceChildren(); show(); } } });
  let shown = 0;
  const text = (call) => (call.hay ||= `${call.name} ${call.tool} ${call.source} ${call.state.is} ${call.arguments.text} ${call.output.text}`.toLowerCase());
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = run.calls.map((call, at) => at).filter((at) => words.every((word) => text(run.calls[at]).includes(word)));
    const rows = found.slice(shown, shown + (shown === 0 ? CALLS_FIRST : CALLS_STEP)).map((at) => {
      const call = run.calls[at];
      return el("tr", {}, el("td", {}, el("button", { class: "link", on: { click: () => showCall(at) } }, call.name)), el("td", {}, el("strong", {}, call.tool)), el("td", { class: "cutoff" }, call.arguments.text.slice(0, 160)),
        el("td", {}, el("span", { class: `tag ${call.state.is === "answered" ? call.source || "open" : "warning"}` }, call.state.is === "answered" ? (call.source === "fresh" ? "ran" : call.source) : call.state.ending || call.state.is)),
        el("td", { class: "n" }, bytes(call.output.bytes)), el("td", { class: "n" }, call.source === "cache" ? `saved ${micros(call.usage["saved-us"])}` : micros(call.usage["wall-us"])));
    });
    body.append(...rows);
    shown += rows.length;
    more.hidden = shown >= found.length;
    more.textContent = `${grouped(found.length - shown)} more`;
  };
  show();
  return section("calls", "Tool calls", `${grouped(cache.fresh)} ran, ${grouped(cache.cached)} from the cache`, el("div", { class: "bar-of-tools" }, search),
    el("div", { class: "scroll" }, el("table", { class: "rows calls" }, el("thead", {}, el("tr", {}, ["call", "tool", "arguments", "answered", "size", "time"].map((word, at) => el("th", { scope: "col", class: at > 3 ? "n" : "" }, word)))), body)), more);
}
