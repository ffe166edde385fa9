// Every record, in a list of which only what is seen is drawn.
const ROW = 26;
const KINDS = ["heard", "decided", "noted", "unknown"];

function eventsSection() {
  const hay = events.map(([seq, , , kind, word, text]) => `${seq} ${kind} ${word} ${text}`.toLowerCase());
  const kinds = new Set(KINDS);
  let [levels, found, active] = [false, events.map((_, at) => at), -1];
  const inner = el("div", { class: "rows-inner" });
  const list = el("div", { class: "list", tabindex: "0", role: "listbox", "aria-label": "records", id: "list" }, inner);
  const told = el("span", { class: "quiet", role: "status", "aria-live": "polite" });
  const search = el("input", { type: "search", id: "search", placeholder: "search the records  ( / )", "aria-label": "search the records" });

  function row(at, place) {
    const [seq, when, attempt, kind, word, text, level] = events[at];
    const node = el("div", { class: `event ${kind} ${level}${place === active ? " active" : ""}`, role: "option", id: `event-${seq}`, "aria-selected": place === active ? "true" : "false", "aria-setsize": found.length, "aria-posinset": place + 1, on: { click: () => { pick(place); showEvent(at); } } },
      el("span", { class: "seq" }, seq), el("span", { class: "at" }, millis(when)), el("span", { class: "attempt" }, run.attempts.length > 1 ? attempt : ""), el("span", { class: "kind" }, kind), el("span", { class: "word" }, word), el("span", { class: "text" }, text));
    node.style.top = `${place * ROW}px`;
    return node;
  }

  function draw(all) {
    const height = list.clientHeight || 480;
    const first = all ? 0 : Math.max(0, Math.floor(list.scrollTop / ROW) - 8);
    const last = Math.min(found.length, all ? 1000 : Math.ceil((list.scrollTop + height) / ROW) + 8);
    inner.style.height = `${(all ? last : found.length) * ROW}px`;
    inner.replaceChildren(...found.slice(first, last).map((at, place) => row(at, first + place)));
    const chosen = active >= 0 && active < found.length ? `event-${events[found[active]][0]}` : null;
    if (chosen) list.setAttribute("aria-activedescendant", chosen);
    else list.removeAttribute("aria-activedescendant");
  }

  function filter() {
    const began = performance.now();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = [];
    for (let at = 0; at < events.length; at += 1) {
      if (!kinds.has(events[at][3]) || (levels && events[at][6] === "plain")) continue;
      if (words.every((word) => hay[at].includes(word))) found.push(at);
    }
    active = -1;
    list.scrollTop = 0;
    draw(false);
    told.textContent = found.length === events.length ? `${count(events.length, "record")}` : `${grouped(found.length)} of ${count(events.length, "record")}`;
    root.dataset.filterMs = String(Math.round(performance.now() - began));
    root.dataset.found = String(found.length);
  }

  function pick(place) {
    active = Math.max(0, Math.min(found.length - 1, place));
    const top = active * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    draw(false);
  }

  function showEvent(at) {
    const [seq, when, attempt, kind, word, text] = events[at];
    const first = text.split(/[ :,]/)[0];
    const turn = /^turn (\d+)(?:, try (\d+))?/.exec(text);
    if (callNames.has(first)) return showCall(callNames.get(first));
    const number = turn ? Number(turn[1]) : 0;
    const try_ = turn ? run.turns.findLastIndex((one) => one.number === number && one.seq <= seq) : -1;
    if (try_ >= 0) return showTurn(try_);
    return open(`record ${seq}`, facts([["kind", kind], ["word", word], ["moment", millis(when)], ["attempt", `${attempt}`]]), pre(text, "text"));
  }

  const keys = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 15, PageUp: -15 };
  list.addEventListener("keydown", (event) => {
    if (event.key in keys) pick(active + keys[event.key]);
    else if (event.key === "Home") pick(0);
    else if (event.key === "End") pick(found.length - 1);
    else if (event.key === "Enter" && active >= 0) showEvent(found[active]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)), { passive: true });
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === "ArrowDown") { list.focus(); pick(0); event.preventDefault(); } });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    search.focus();
    event.preventDefault();
  });
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));

  const chip = (word, on, act) => {
    const button = el("button", { class: "chip", "aria-pressed": on ? "true" : "false", on: { click: () => { const now = button.getAttribute("aria-pressed") !== "true"; button.setAttribute("aria-pressed", String(now)); act(now); filter(); } } }, word);
    return button;
  };
  const there = KINDS.filter((kind) => events.some((event) => event[3] === kind));
  const chips = there.map((kind) => chip(kind, true, (now) => (now ? kinds.add(kind) : kinds.delete(kind))));
  chips.push(chip("only what went wrong", false, (now) => { levels = now; }));
  whenShown.push(() => draw(false));
  search.value = asked("q");
  filter();
  const left = run.records > events.length ? el("p", { class: "quiet" }, `The first ${grouped(events.length)} of ${grouped(run.records)} records.`) : null;
  return section("records", "Records", "↑ ↓ to move, Enter to open, / to search", el("div", { class: "bar-of-tools" }, search, el("div", { class: "chips" }, chips), told), list, left);
}
