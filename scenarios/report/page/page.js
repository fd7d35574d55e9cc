"use strict";
// The page: one cursor ties diagram, members, logs, events and operations together.

class Page {
  constructor(model) {
    this.model = model;
    this.t = model.meta.from;
    this.op = 0;
    this.matches = null;
    this.head();
    this.findings();
    this.judges();
    this.scenario();
    this.legend();
    this.diagram = new Diagram(byID("space-time"), model, (c) => this.chosen(c));
    this.table();
    this.listen();
    if (model.lesson) {
      this.lesson = new LessonPanel(byID("lesson"), model.lesson, model.meta.members, {
        show: (at, arrived) => { this.diagram.look(at - 60e6, at + 30e6); this.go(at); arrived(); },
      });
      return;
    }
    if (!this.restore()) {
      const f = model.findings.find((x) => x.at > 0);
      if (f) this.toFinding(f); else this.go(model.meta.from);
    }
  }

  head() {
    const m = this.model.meta;
    document.body.dataset.outcome = m.outcome;
    byID("title").textContent = (this.model.lesson ? this.model.lesson.title + ": " : "") +
      `${m.scenario}, seed ${m.seed}` + (m.bugs ? `, with bug ${m.bugs}` : "");
    const v = byID("verdict");
    v.textContent = m.ok ? "✓ PASS" : m.outcome === "unknown" ? "? UNKNOWN" : `✗ FAIL ${m.outcome}`;
    v.classList.add(m.ok ? "good" : m.outcome === "unknown" ? "doubt" : "bad");
    byID("figures").textContent = `${m.figures}; digest ${m.digest}, trace version ${m.version}`;
    byID("reproduce").textContent = m.reproduce;
    if (m.kept < m.total) {
      const cut = byID("cut");
      cut.hidden = false;
      cut.textContent = `Shown are ${m.kept} of ${m.total} events: ${seconds(m.from)} to ${seconds(m.to)} of ${seconds(m.elapsed)}.`;
    }
  }

  findings() {
    const box = byID("findings");
    if (this.model.lesson) return; // it tells of them in its own time
    for (const text of this.model.findings.length ? this.model.meta.defects || [] : []) {
      box.append(element("p", { class: "defect" }, element("b", {}, "A defect is switched on in this run: "), text));
    }
    for (const f of this.model.findings) {
      const one = element("article", { class: "finding" }, element("h2", {}, `✗ ${f.word.toUpperCase()}  ${f.what}`));
      if (f.ops) {
        const table = element("table");
        for (const e of f.ops) {
          const o = this.model.op.get(e.op);
          if (!o) continue;
          table.append(element("tr", {},
            element("td", {}, "c" + o.client), element("td", {}, this.opLink(o)),
            element("td", {}, `${seconds(o.invoke)}-${o.return < 0 ? "" : seconds(o.return)}`),
            element("td", {}, this.ending(o)), element("td", { class: "bad" }, e.note ? "← " + e.note : "")));
        }
        one.append(element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "The operations that show it" }, table));
      }
      one.append(...tellFinding(f, (t) => this.go(t)));
      if (f.at > 0) {
        one.append(element("p", { class: "go" }, element("button", { type: "button", onclick: () => this.toFinding(f) }, `show ${seconds(f.at)}`)));
      }
      box.append(one);
    }
    if (!this.model.findings.length) {
      box.append(element("p", { class: "note" }, this.model.phases.map((p) => `${p.number ? p.number + ". " : ""}${p.title}: ${p.note || seconds(p.end)}`).join("; ") + "."));
    }
  }

  judges() {
    const table = byID("judges");
    table.append(element("thead", {}, element("tr", {}, ...["judge", "verdict", "judged", "note", "what is promised"].map((h) => element("th", { scope: "col" }, h)))));
    const body = element("tbody");
    for (const j of this.model.judgements) {
      const mark = { pass: "✓ ", violation: "✗ " }[j.verdict] || "? ";
      body.append(element("tr", {}, ...[j.judge, mark + j.verdict, String(j.judged), j.note || "", j.promise].map((x) => element("td", { class: "what" }, x))));
    }
    table.append(body);
  }

  scenario() {
    this.lines = this.model.statements.map((s) => element("div", {}, `${String(s.line).padStart(3)}  ${s.text}`));
    byID("scenario").append(...this.lines);
  }

  legend() {
    const items = [
      ["append", "", "append and answer"], ["vote", "6 3", "vote"], ["client", "2 2", "client"], ["snap", "", "snapshot"], ["beat", "1 3", "heartbeat"],
      ["other", "8 2 2 2", "forwarded, other"],
    ];
    const svg = (inner) => {
      const e = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      e.setAttribute("width", 28); e.setAttribute("height", 12); e.setAttribute("aria-hidden", "true");
      e.innerHTML = inner;
      return e;
    };
    const box = byID("legend");
    for (const [type, dash, text] of items) {
      box.append(element("li", {}, svg(`<line x1="1" y1="6" x2="27" y2="6" stroke="var(--${type})" stroke-width="${type === "snap" ? 3 : 1.5}" stroke-dasharray="${dash}"/>`), text));
    }
    box.append(element("li", {}, svg(`<path d="M10 2l8 8M10 10l8-8" stroke="var(--bad)" stroke-width="2"/>`), "lost, or killed"));
    box.append(element("li", {}, svg(`<rect x="1" y="1" width="26" height="10" fill="${TERM_COLOURS[0]}"/>`), "leader"));
    box.append(element("li", {}, svg(`<rect x="2" y="2" width="24" height="8" fill="none" stroke="${TERM_COLOURS[1]}" stroke-width="2"/>`), "candidate"));
    box.append(element("li", {}, svg(`<rect x="1" y="4" width="26" height="4" fill="${TERM_COLOURS[2]}"/>`), "follower; a colour is a term"));
    box.append(element("li", {}, "▲ something ails the member or its disk"));
    box.append(element("li", {}, "close by: ■ on disk  ◆ committed  ● applied"));
  }

  ending(o) {
    const via = `n${o.member}` + (o.term ? ` term ${o.term}` : "");
    return o.outcome === "ok" ? `ok rev ${o.rev} via ${via}` : `${o.outcome} via ${via}`;
  }

  opLink(o) {
    return element("button", { type: "button", class: "link", onclick: () => this.select(o) }, o.text);
  }

  table() {
    const table = byID("ops");
    const heads = [["place", "number"], ["client", ""], ["operation", ""], ["from", "number"], ["to", "number"], ["outcome", ""]];
    table.replaceChildren(element("thead", {}, element("tr", {}, ...heads.map(([h, c]) => element("th", { scope: "col", class: c }, h)))));
    const ops = [...this.model.ops];
    if (byID("by-place").checked) ops.sort((a, b) => (a.place || 1e9) - (b.place || 1e9) || a.invoke - b.invoke);
    const body = element("tbody");
    this.rows = new Map();
    for (const o of ops) {
      const wrong = this.model.wrong.has(o.id);
      const row = element("tr", { class: wrong ? "wrong" : "" },
        element("td", { class: "number" }, o.place ? String(o.place) : "–"), element("td", {}, "c" + o.client),
        element("td", { class: "what" }, wrong ? "✗ " : "", this.opLink(o)),
        element("td", { class: "number" }, seconds(o.invoke)), element("td", { class: "number" }, o.return < 0 ? "never" : seconds(o.return)),
        element("td", {}, this.ending(o)));
      this.rows.set(o.id, row);
      body.append(row);
    }
    table.append(body);
    this.mark();
  }

  mark() {
    if (this.marked) this.marked.classList.remove("chosen");
    this.marked = this.rows && this.rows.get(this.op);
    if (this.marked) this.marked.classList.add("chosen");
  }

  // go moves the cursor.
  go(t) {
    this.t = Math.max(this.model.meta.from, Math.min(this.model.meta.to, t));
    this.diagram.cursor = this.t;
    this.diagram.show(this.t);
    this.diagram.redraw();
    if (!this.refreshing) {
      this.refreshing = true;
      requestAnimationFrame(() => { this.refreshing = false; this.refresh(); });
    }
  }

  refresh() {
    byID("now").textContent = seconds(this.t, 6);
    const state = this.model.stateAt(this.t);
    this.members(state);
    this.logs(state);
    byID("links").textContent = state.links.length
      ? "Links cut or held: " + state.links.map((l) => `${nameOf(l.from)}→${nameOf(l.to)}${l.held ? " (held)" : ""}`).join(", ") + "."
      : "";
    byID("ailing").textContent = state.members.map((m, i) => [i + 1, troubles(m)]).filter(([, all]) => all.length)
      .map(([n, all]) => `▲ n${n}: ${all.join(", ")}.`).join(" ");
    this.events();
    let n = 0;
    for (const e of this.model.notes) {
      if (e.at > this.t) break;
      if (e.kind === "action") n++;
    }
    this.lines.forEach((l, i) => l.classList.toggle("at", i === n - 1));
    this.remember();
  }

  members(state) {
    const heads = ["member", "role", "term", "follows", "commit", "applied", "last", "on disk"];
    const body = element("tbody");
    state.members.forEach((m, i) => {
      const up = m[LIFE] === UP;
      body.append(element("tr", {},
        element("th", { scope: "row" }, "n" + (i + 1)),
        element("td", {}, up ? ROLE_NAMES[m[ROLE]] : LIFE_NAMES[m[LIFE]]),
        ...[m[TERM], m[LEADER] ? "n" + m[LEADER] : "–", m[COMMIT], m[APPLIED], m[LAST], m[DURABLE]].map((v) => element("td", { class: "number" }, String(v)))));
    });
    byID("members").replaceChildren(
      element("thead", {}, element("tr", {}, ...heads.map((h, i) => element("th", { scope: "col", class: i > 1 ? "number" : "" }, h)))), body);
  }

  logs(state) {
    const logs = this.model.logsAt(this.t);
    const last = Math.max(0, ...logs.map((l) => l.last));
    const chosen = this.op && this.model.op.get(this.op) ? this.model.op.get(this.op).index : 0;
    const lowest = Math.min(...state.members.filter((m) => m[LIFE] === UP).map((m) => m[COMMIT]), last);
    let to = last, from = Math.max(1, last - 13);
    if (lowest < from) from = Math.max(1, Math.min(lowest - 1, from), last - 30);
    if (chosen && (chosen < from || chosen > to)) { from = Math.max(1, chosen - 6); to = Math.min(last, from + 13); }
    const row = element("tr", {}, element("th", { scope: "col" }, "entry"));
    for (let i = from; i <= to; i++) row.append(element("th", { scope: "col", title: this.entryText(i) }, String(i)));
    const body = element("tbody");
    state.members.forEach((m, k) => {
      const tr = element("tr", {}, element("th", { scope: "row" }, "n" + (k + 1)));
      for (let i = from; i <= to; i++) {
        const term = logs[k].terms.get(i);
        const td = element("td", { title: this.entryText(i) }, term ? String(term) : "");
        if (term) {
          if (i <= m[COMMIT]) td.classList.add("sure");
          if (i > m[DURABLE]) td.classList.add("unsaved");
          td.style.boxShadow = `inset 0 -3px 0 ${TERM_COLOURS[term % TERM_COLOURS.length]}`;
        }
        if (i === chosen) td.classList.add("chosen");
        tr.append(td);
      }
      body.append(tr);
    });
    byID("logs").replaceChildren(element("thead", {}, row), body);
  }

  entryText(index) {
    const c = this.model.commits.get(index);
    return c ? `entry ${index}, committed in term ${c.term}: ${c.what}` : `entry ${index}`;
  }

  // events lists what surrounds the cursor, or what was searched for.
  events() {
    const list = this.matches || this.model.stream;
    const i = firstAfter(list, this.t, (e) => e.at);
    const items = list.slice(Math.max(0, i - 12), i + 12).map((e) =>
      element("li", { class: e.at === this.t ? "present" : "" }, element("time", {}, seconds(e.at)),
        element("button", { type: "button", class: "link", onclick: () => this.go(e.at) }, e.what)));
    byID("events").replaceChildren(...items);
  }

  select(o) {
    this.op = o.id;
    this.diagram.op = o.id;
    this.diagram.packet = undefined;
    this.mark();
    this.story(o);
    const end = o.return < 0 ? o.invoke + 1e8 : o.return;
    const span = Math.max(end - o.invoke, 1e6) * 3;
    const { t0, t1 } = this.diagram;
    if (o.invoke < t0 || end > t1 || t1 - t0 > span * 12) this.diagram.look((o.invoke + end - span) / 2, (o.invoke + end + span) / 2);
    this.go(o.invoke);
  }

  story(o) {
    const steps = element("ol");
    for (const [at, packet, note] of this.model.stories[o.id] || []) {
      let what;
      if (packet >= 0) {
        const p = this.model.packets[packet];
        what = `${nameOf(p.from)} → ${nameOf(p.to)}  ${p.what}` + (p.fate === 1 ? `, arrives ${seconds(p.ended)}` : `: ${this.model.fates[p.fate]}`);
      } else {
        what = this.model.notes[note].what;
      }
      steps.append(element("li", {}, element("time", {}, seconds(at)), element("button", { type: "button", class: "link", onclick: () => this.go(at) }, what)));
    }
    byID("story").replaceChildren(
      element("p", {}, element("b", {}, `c${o.client}: ${o.text}`)),
      element("p", { class: "note" }, `${this.ending(o)}; ${o.place ? "place " + o.place : "no effect that anybody saw"}` + (o.index ? `, entry ${o.index}` : "") + `; load ${o.load}`),
      steps);
  }

  toFinding(f) {
    const first = (f.ops || []).map((e) => this.model.op.get(e.op)).find((o) => o);
    if (first) {
      const shown = f.ops.map((e) => this.model.op.get(e.op)).filter((o) => o);
      const from = Math.min(...shown.map((o) => o.invoke)), to = Math.max(...shown.map((o) => (o.return < 0 ? o.invoke : o.return)));
      const margin = Math.max(to - from, 20e6) * 0.4;
      this.diagram.look(from - margin, to + margin);
      const last = shown[shown.length - 1];
      this.op = this.diagram.op = last.id;
      this.mark();
      this.story(last);
    } else {
      this.diagram.look(f.at - 250e6, f.at + 100e6);
    }
    this.go(f.at);
  }

  chosen({ t, op, packet }) {
    if (op) { this.select(op); return; }
    this.diagram.packet = packet;
    this.go(packet ? packet.sent : t);
  }

  step(by) {
    const list = this.matches || this.model.stream;
    if (!list.length) return;
    for (let n = Math.abs(by); n > 0; n--) {
      const i = by > 0 ? firstAfter(list, this.t, (e) => e.at) : firstAfter(list, this.t - 1, (e) => e.at) - 1;
      if (i < 0 || i >= list.length) break;
      this.t = list[i].at;
    }
    this.go(this.t);
  }

  stepOp(by) {
    const ops = this.model.ops;
    const i = ops.findIndex((o) => o.id === this.op);
    const next = i < 0 ? firstAfter(ops, this.t, (o) => o.invoke) - (by > 0 ? 0 : 1) : i + by;
    if (ops[next]) this.select(ops[next]);
  }

  search(text) {
    const words = text.trim().toLowerCase().split(/\s+/).filter((w) => w);
    this.matches = words.length ? this.model.stream.filter((e) => { const s = e.what.toLowerCase(); return words.every((w) => s.includes(w)); }) : null;
    byID("found").textContent = this.matches ? `${this.matches.length} found` : "";
    this.refresh();
  }

  // The address holds the moment, so that a link leads to it.
  remember() {
    const parts = [`t=${Math.round(this.t)}`, `view=${Math.round(this.diagram.t0)}-${Math.round(this.diagram.t1)}`];
    if (this.op) parts.push(`op=${this.op}`);
    history.replaceState(null, "", "#" + parts.join("&"));
  }

  restore() {
    const at = new Map(location.hash.slice(1).split("&").map((p) => p.split("=")));
    if (!at.has("t")) return false;
    const o = this.model.op.get(Number(at.get("op")));
    if (o) { this.op = this.diagram.op = o.id; this.mark(); this.story(o); }
    const view = /^(-?\d+)-(\d+)$/.exec(at.get("view") || "");
    if (view) this.diagram.look(Number(view[1]), Number(view[2]));
    this.go(Number(at.get("t")) || 0);
    return true;
  }

  listen() {
    const { from, to } = this.model.meta;
    byID("back").onclick = () => this.step(-1);
    byID("forth").onclick = () => this.step(1);
    byID("in").onclick = () => this.diagram.zoom(0.5);
    byID("out").onclick = () => this.diagram.zoom(2);
    byID("all").onclick = () => this.diagram.look(from, to);
    byID("copy").onclick = () => { if (navigator.clipboard) navigator.clipboard.writeText(this.model.meta.reproduce); };
    byID("show-beats").onchange = (e) => { this.diagram.beats = e.target.checked; this.diagram.redraw(); };
    byID("show-clients").onchange = (e) => { this.diagram.clients = e.target.checked; this.diagram.resize(); };
    byID("by-time").onchange = byID("by-place").onchange = () => this.table();
    byID("search").oninput = (e) => this.search(e.target.value);
    addEventListener("hashchange", () => this.restore());
    addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const field = e.target.tagName === "INPUT" && e.target.type === "search";
      if (field) {
        if (e.key === "Enter") { this.step(e.shiftKey ? -1 : 1); e.preventDefault(); }
        if (e.key === "Escape") { e.target.value = ""; this.search(""); e.target.blur(); }
        return;
      }
      if (e.target.tagName === "INPUT" && e.key.startsWith("Arrow")) return;
      const keys = {
        ArrowLeft: () => this.step(e.shiftKey ? -10 : -1), ArrowRight: () => this.step(e.shiftKey ? 10 : 1),
        "+": () => this.diagram.zoom(0.5), "=": () => this.diagram.zoom(0.5), "-": () => this.diagram.zoom(2), 0: () => this.diagram.look(from, to),
        "[": () => this.stepOp(-1), "]": () => this.stepOp(1),
        f: () => { if (this.model.findings.length) this.toFinding(this.model.findings[0]); },
        "/": () => byID("search").focus(),
      };
      if (keys[e.key]) { keys[e.key](); e.preventDefault(); }
    });
    const m = this.model.meta;
    byID("space-time").setAttribute("aria-label",
      `Space-time diagram: ${m.members} members and ${this.model.clients.length} clients, ${seconds(from)} to ${seconds(to)}. The list of events says the same in words.`);
  }
}

const model = new Model(JSON.parse(byID("data").textContent));
const page = new Page(model);
