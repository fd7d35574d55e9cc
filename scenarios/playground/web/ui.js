"use strict";
// The playground: it asks a session for more time as it is needed, keeps all that it is
// told, and shows one moment of it. Whatever is done is a statement.

const about = JSON.parse(byID("about").textContent);

// Transports: each takes a request and promises a frame.

function served() {
  const session = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
  return async (request) => {
    const r = await fetch("do", { method: "POST", headers: { "Content-Type": "application/json", "X-Session": session }, body: JSON.stringify(request) });
    return r.ok ? r.json() : { error: await r.text() };
  };
}

function compiled() {
  const worker = new Worker("worker.js"), waiting = new Map();
  let next = 1;
  worker.onmessage = (e) => { waiting.get(e.data.id)(JSON.parse(e.data.frame)); waiting.delete(e.data.id); };
  return (request) => new Promise((resolve) => {
    waiting.set(next, resolve);
    worker.postMessage({ id: next++, request: JSON.stringify(request) });
  });
}

// Keepers of the progress in lessons: take and tell, by the names of lessons.

function keptByServer() {
  return {
    tell: () => fetch("progress").then((r) => (r.ok ? r.json() : {})).catch(() => ({})),
    take: (lesson, score) => fetch("progress", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ lesson, ...score }),
    }).catch(() => {}),
  };
}

function keptByBrowser() {
  const key = "etcdsim lessons";
  const tell = () => { try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; } };
  return {
    tell: async () => tell(),
    take: async (lesson, score) => { try { localStorage.setItem(key, JSON.stringify({ ...tell(), [lesson]: score })); } catch { /* private */ } },
  };
}

const BOUNDS = 1e6; // the least time that a request lets pass, ns
const LEADING = 4e9; // how long it takes at most to the next card of a lesson, ns

class Playground {
  constructor(ask, keeper) {
    this.ask = ask;
    this.keeper = keeper;
    this.t = 0;
    this.playing = false;
    this.busy = Promise.resolve();
    this.asking = false;
    this.fill();
    this.listen();
    this.speed();
    this.lessons();
    this.open(this.fromLink());
    requestAnimationFrame((now) => this.loop(now));
  }

  fill() {
    for (const s of about.scenarios) byID("scenario").append(element("option", { value: s }, s));
    for (const b of about.bugs) byID("bug").append(element("option", { value: b }, b));
    for (const v of about.verbs) byID("verbs").append(element("option", { value: v }));
    const whom = () => "n" + this.member;
    const acts = {
      process: [
        ["kill", "power cut"], ["kill", "kill -9", "machine=up"], ["restart", "restart"], ["stop", "stop"], ["pause", "pause"], ["resume", "resume"],
      ],
      network: [["isolate", "isolate"], ["mend", "mend all"]],
      disk: [
        ["stall", "stall"], ["unstall", "go on"], ["slow", "slow", "disk=20"], ["slow", "fast", "disk=1"], ["fill", "fill"], ["free", "free"],
        ["fail", "fail"], ["fail", "fail a sync", "syncs=1"], ["damage", "damage"], ["repair", "repair"],
      ],
      clock: [["clock", "fast", "drift=+50%"], ["clock", "slow", "drift=-50%"], ["clock", "ahead", "jump=+1m"], ["clock", "right", "drift=0% offset=0s"]],
      processor: [["slow", "slow", "cpu=5ms..20ms"], ["slow", "fast", "cpu=0s"]],
      raft: [["transfer", "make leader", "within=5s"]],
    };
    for (const [group, all] of Object.entries(acts)) {
      byID("acts").append(element("div", { class: "tools", role: "group", "aria-label": group }, element("span", { class: "label" }, group),
        ...all.map(([verb, text, more]) => element("button", { type: "button", onclick: () => this.say([verb, whom(), more].filter((w) => w).join(" ")) }, text))));
    }
  }

  // lessons lists them, with how they went.
  async lessons() {
    const taken = await this.keeper.tell(), chosen = byID("lesson-name").value;
    byID("lesson-name").replaceChildren(element("option", { value: "" }, "none"), ...about.lessons.map(({ name, title }, i) => {
      const score = taken[name];
      return element("option", { value: name }, `${i + 1}. ${title}` + (score ? `  ✓ ${score.right} of ${score.of}` : ""));
    }));
    byID("lesson-name").value = chosen || (this.opened && this.opened.lesson) || "";
  }

  // teach begins a lesson on the run that is there, with the card of a moment.
  teach(lesson, t) {
    byID("lesson").hidden = !lesson;
    byID("strayed").hidden = true;
    this.panel = null;
    this.until = undefined;
    if (!lesson) return;
    this.panel = new LessonPanel(byID("lesson"), lesson, this.model.meta.members, {
      show: (at, arrived, gradually) => this.lead(at, arrived, gradually),
      took: async (score) => { await this.keeper.take(lesson.name, score); this.lessons(); },
    }, Math.max(0, lesson.cards.findLastIndex((c) => c.at <= t)));
  }

  // lead takes the reader to a moment, on the way through what happens before it unless
  // that is not wanted.
  lead(at, arrived, gradually) {
    const far = at - this.t;
    this.until = undefined;
    this.diagram.look(at - 700e6, at + 150e6);
    if (!gradually || far <= 0 || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.pause();
      this.go(at);
      arrived();
      return;
    }
    // What is far away is passed fast: nobody waits for long.
    this.until = { at, arrived, rate: Math.max(this.rate, far / LEADING) };
    this.play();
  }

  // stray tells a pupil who did something that this is no longer the lesson's run.
  stray() {
    byID("strayed").hidden = !this.panel;
    this.until = undefined;
  }

  // comeBack takes a pupil back to the run of the lesson, and the card.
  async comeBack() {
    const { at, marks } = this.panel;
    await this.open({ seed: "1", lesson: this.opened.lesson });
    Object.assign(this.panel, { at, marks });
    this.panel.turn(0);
  }

  // request asks the session, one question after the other.
  request(r) {
    const answer = this.busy.then(() => this.ask(r));
    this.busy = answer.catch(() => {});
    return answer.catch((err) => ({ error: String(err) }));
  }

  async open(o) {
    this.pause();
    this.opened = o;
    byID("answer").textContent = "";
    byID("message").replaceChildren();
    byID("scenario").value = o.scenario || "";
    byID("seed").value = o.seed;
    byID("bug").value = o.bugs || "";
    this.status("");
    byID("lesson-name").value = o.lesson || "";
    const f = await this.request({ do: "open", open: o });
    if (f.error) { this.status(f.error, true); return; }
    this.take(f);
    byID("seed").value = o.seed = f.meta.seed;
    byID("bug").value = o.bugs = f.meta.bugs || "";
    if (o.lesson) byID("scenario").value = f.meta.name;
    this.go(o.t !== undefined ? Number(o.t) : 0);
    this.teach(f.lesson, o.t === undefined ? 0 : this.t);
    document.body.dataset.ready = "yes";
    if (o.t === undefined && !o.scenario && !o.text && !o.lesson) this.play();
  }

  // take keeps what a frame tells.
  take(f) {
    if (f.reset || !this.model) {
      const at = this.model ? this.t : 0;
      this.model = new Model({
        ...f, fates: about.fates, meta: { from: 0, to: f.now, members: f.meta.members, clients: f.meta.clients },
      });
      this.build();
      this.t = Math.min(at, f.now);
    } else {
      Object.assign(this.model.meta, { to: Math.max(f.now, this.model.meta.to), members: f.meta.members });
      this.model.append(f);
    }
    this.frame = f;
    this.selects();
    if (this.drawn !== this.model.clients.length) { this.drawn = this.model.clients.length; this.diagram.resize(); }
    this.storyline();
    byID("judges").textContent = f.finding ? `✗ The judges object: ${f.finding.what}.` : `The judges watch; up to ${seconds(f.judged)} they object to nothing.`;
    if (f.lesson) return; // it tells of its run in its own time
    if (f.failure) { this.status("The run would end here: " + f.failure, true); }
    if (f.finding && !this.found) {
      this.found = f.finding;
      for (const { op, note } of f.finding.ops || []) this.model.wrong.set(op, note);
      this.pause();
      this.violation(f.finding);
      this.go(f.finding.at);
    }
    if (f.reset) { this.found = f.finding; if (!f.finding) byID("finding").hidden = true; }
  }

  build() {
    if (this.ring) {
      this.ring.model = this.diagram.model = this.model;
      this.diagram.opCount = -1;
      this.ring.resize();
      this.diagram.resize();
      return;
    }
    this.ring = new Ring(byID("ring"), this.model, {
      member: (n) => { byID("member").value = n; this.draw(); },
      packet: (p) => this.message(p),
      line: (a, b) => this.say(`partition ${a.map(nameOf).join(" ")} | ${b.map(nameOf).join(" ")}`),
    });
    this.diagram = new Diagram(byID("space-time"), this.model, ({ t, op, packet }) => {
      this.pause();
      if (op) { this.diagram.op = op.id; t = op.invoke; }
      if (packet) { t = packet.sent; this.message(packet); }
      this.go(t);
    });
    this.diagram.room = 1.2e9;
  }

  get member() { return Number(byID("member").value) || 1; }

  selects() {
    if (this.choices === this.model.lanes.length) return;
    this.choices = this.model.lanes.length;
    for (const id of ["member", "from", "to"]) {
      const before = byID(id).value;
      byID(id).replaceChildren(...this.model.lanes.map((n) => element("option", { value: n }, "n" + n)));
      byID(id).value = before || (id === "to" ? 2 : 1);
    }
  }

  status(text, bad) {
    byID("status").textContent = text || `Virtual time only: what happens is decided by the seed and by you.`;
    byID("status").classList.toggle("bad", Boolean(bad));
  }

  violation(f) {
    const rows = (f.ops || []).map(({ op, note }) => [this.model.op.get(op), note]).filter(([o]) => o);
    byID("finding").hidden = false;
    byID("finding").replaceChildren(
      element("h2", {}, `✗ VIOLATION ${f.what}`),
      element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "The operations that show it" },
        element("table", {}, ...rows.map(([o, note]) => element("tr", {}, element("td", {}, "c" + o.client), element("td", {}, o.text),
          element("td", {}, `${seconds(o.invoke)}-${o.return < 0 ? "" : seconds(o.return)}`),
          element("td", {}, `${o.outcome} rev ${o.rev} via n${o.member} term ${o.term}`), element("td", { class: "bad" }, note ? "← " + note : ""))))),
      ...tellFinding(f, (t) => { this.pause(); this.go(t); }),
      element("p", { class: "note" }, "The clock stands still. Look around, go back, or let it go on."));
  }

  say(text) { return this.act({ do: "say", at: Math.round(this.t), text }); }

  // act asks for something to be done at a moment; if that is not the newest one, what was
  // behind it is another future.
  async act(request) {
    const at = request.at, past = this.frame.story.some((s) => s.from > at);
    const going = this.playing;
    this.pause();
    const f = await this.request(request);
    const answer = byID("answer");
    answer.classList.toggle("bad", Boolean(f.error));
    if (f.error) {
      answer.textContent = f.error;
      if (f.reset) { this.take(f); this.go(at); }
      return false;
    }
    answer.textContent = `${seconds(at)}  ${f.story[f.story.length - 1].text}` + (past ? "  (another future)" : "");
    byID("text").value = "";
    this.stray();
    this.take(f);
    this.go(f.now);
    if (going) this.play();
    return true;
  }

  play() {
    this.playing = true;
    byID("play").textContent = "❚❚ pause";
    byID("play").setAttribute("aria-pressed", "true");
  }

  pause() {
    const before = this.playing;
    this.playing = false;
    if (before) this.draw();
    byID("play").textContent = "▶ play";
    byID("play").setAttribute("aria-pressed", "false");
  }

  speed() {
    this.rate = 10 ** Number(byID("speed").value);
    byID("speed-text").textContent = this.rate >= 0.995 ? `${this.rate.toFixed(1)}x` : `1/${Math.round(1 / this.rate)}`;
  }

  // loop moves the moment, and asks for more time before it is needed.
  loop(now) {
    requestAnimationFrame((n) => this.loop(n));
    const passed = Math.min(100, now - (this.last || now));
    this.last = now;
    if (!this.playing || !this.model) return;
    const end = this.until ? Math.min(this.until.at, this.model.meta.to) : this.model.meta.to;
    this.t = Math.min(end, this.t + passed * 1e6 * (this.until || this).rate);
    if (this.until && this.t >= this.until.at) {
      const { arrived } = this.until;
      this.until = undefined;
      this.pause();
      this.go(this.t);
      arrived();
      return;
    }
    if (this.frame.over) {
      if (this.t >= end) this.pause();
    } else if (!this.asking && end - this.t < this.rate * 0.6e9) {
      this.more();
    }
    this.follow();
    this.draw();
  }

  async more() {
    this.asking = true;
    const f = await this.request({ do: "advance", for: Math.round(Math.min(Math.max(this.rate * 0.4e9, BOUNDS), 5e9)) });
    this.asking = false;
    if (f.error) { this.pause(); this.status(f.error, true); return; }
    this.take(f);
  }

  // follow keeps the moment in view of the diagram.
  follow() {
    const d = this.diagram, span = d.t1 - d.t0;
    if (this.t < d.t0 || this.t > d.t1 - span * 0.15) d.look(this.t - span * 0.85, this.t + span * 0.15);
  }

  go(t) {
    this.t = Math.max(0, Math.min(this.model.meta.to, t));
    if (!this.viewed) { this.viewed = true; this.diagram.look(this.t - 850e6, this.t + 150e6); }
    this.follow();
    this.draw();
  }

  draw() {
    if (!this.model) return;
    this.ring.t = this.diagram.cursor = this.t;
    this.ring.selected = this.member;
    this.ring.draw();
    this.diagram.redraw();
    byID("now").textContent = seconds(this.t, 4);
    const to = this.model.meta.to;
    byID("slider").value = to ? Math.round(this.t / to * 1000) : 0;
    // Texts change less often than pictures: while time passes one of them a frame.
    const all = [this.members, this.logs, this.keys, this.atWork, this.flying, this.events, this.ahead];
    if (this.playing) all[this.next = ((this.next || 0) + 1) % all.length].call(this);
    else for (const one of all) one.call(this);
  }

  members() {
    const state = this.model.stateAt(this.t), seen = this.model.seenAt(this.t);
    let leader = -1;
    state.members.forEach((m, i) => {
      if (m[LIFE] === UP && m[ROLE] === LEADER_ROLE && (leader < 0 || m[TERM] > state.members[leader][TERM])) leader = i;
    });
    const peers = leader >= 0 ? seen[leader].peers : new Map();
    const rows = state.members.map((m, i) => {
      const [match, next] = peers.get(i + 1) || ["", ""];
      const what = m[LIFE] === UP ? ROLE_NAMES[m[ROLE]] : LIFE_NAMES[m[LIFE]];
      return element("tr", { class: i + 1 === this.member ? "chosen" : "" }, element("th", { scope: "row" }, "n" + (i + 1)), element("td", {}, what),
        ...[m[TERM], m[COMMIT], m[APPLIED], m[LAST], m[DURABLE], match, next].map((v) => element("td", { class: "number" }, String(v))));
    });
    const heads = ["", "role", "term", "commit", "applied", "last", "on disk", "match", "next"];
    byID("members").replaceChildren(
      element("thead", {}, element("tr", {}, ...heads.map((h, i) => (i === 0 ? element("td") : element("th", { scope: "col", class: i > 1 ? "number" : "" }, h))))),
      element("tbody", {}, ...rows));
  }

  keys() {
    const keys = [...this.model.seenAt(this.t)[this.member - 1].keys].sort(([a], [b]) => (a < b ? -1 : 1));
    byID("keys-of").textContent = "n" + this.member;
    byID("keys").replaceChildren(element("tbody", {}, ...keys.map(([k, [v, rev]]) =>
      element("tr", {}, element("th", { scope: "row" }, k), element("td", {}, v), element("td", { class: "number" }, "rev " + rev)))));
  }

  events() {
    const i = firstAfter(this.model.stream, this.t, (e) => e.at);
    byID("events").replaceChildren(...this.model.stream.slice(Math.max(0, i - 9), i + 5).map((e) =>
      element("li", { class: e.at === this.t ? "present" : "" }, element("time", {}, seconds(e.at)),
        element("button", { type: "button", class: "link", onclick: () => { this.pause(); this.go(e.at); } }, e.what))));
  }

  // ahead marks the statements of the story that have not happened yet at this moment.
  ahead() {
    for (const [k, li] of [...byID("story").children].entries()) li.classList.toggle("ahead", this.frame.story[k].from > this.t);
  }

  // atWork lists what clients wait for.
  atWork() {
    const rows = [...this.diagram.lanesOfOps()].sort(([a], [b]) => a - b).map(([client, ops]) => {
      const o = ops[firstAfter(ops, this.t, (op) => op.invoke) - 1], waits = o && (o.return < 0 || o.return > this.t);
      const what = waits ? ["n" + o.member, `${Math.floor((this.t - o.invoke) / 1e6)} ms`, o.text.split(" = ")[0]] : ["", "", "–"];
      return element("tr", {}, element("th", { scope: "row" }, "c" + client), element("td", {}, what[0]), element("td", { class: "number" }, what[1]),
        element("td", {}, what[2]));
    });
    byID("clients").replaceChildren(
      element("thead", {}, element("tr", {}, element("td"), ...["asks", "since", "for"].map((h) => element("th", { scope: "col" }, h)))),
      element("tbody", {}, ...rows));
  }

  // flying lists the messages on their way, for whoever uses no pointer; while time passes
  // there is nothing to choose from.
  flying() {
    const all = this.playing ? [] : this.ring.flying().filter((f) => f.p.type !== BEAT || this.diagram.beats);
    byID("flying").replaceChildren(...all.slice(0, 8).map(({ p }) =>
      element("li", {}, element("button", { type: "button", class: "link", onclick: () => this.message(p) }, `${nameOf(p.from)} → ${nameOf(p.to)}  ${p.what}`))));
    byID("flying-note").textContent = this.playing ? "Pause to choose one." : all.length > 8 ? `and ${all.length - 8} more in the ring` : all.length ? "" : "None at this moment.";
  }

  logs() {
    const state = this.model.stateAt(this.t), logs = this.model.logsAt(this.t);
    const last = Math.max(0, ...logs.map((l) => l.last)), from = Math.max(1, last - 9);
    const head = element("tr", {}, element("th", { scope: "col" }, "entry"));
    for (let i = from; i <= last; i++) head.append(element("th", { scope: "col" }, String(i)));
    const body = element("tbody");
    state.members.forEach((m, k) => {
      const tr = element("tr", {}, element("th", { scope: "row" }, "n" + (k + 1)));
      for (let i = from; i <= last; i++) {
        const term = logs[k] && logs[k].terms.get(i), c = this.model.commits.get(i);
        const td = element("td", { title: c ? c.what : "" }, term ? String(term) : "");
        if (term) {
          if (i <= m[COMMIT]) td.classList.add("sure");
          if (i > m[DURABLE]) td.classList.add("unsaved");
          td.style.boxShadow = `inset 0 -3px 0 ${TERM_COLOURS[term % TERM_COLOURS.length]}`;
        }
        tr.append(td);
      }
      body.append(tr);
    });
    byID("logs").replaceChildren(element("thead", {}, head), body);
  }

  storyline() {
    const lines = this.frame.story;
    byID("story").replaceChildren(...lines.map((s) => element("li", {}, element("time", {}, seconds(s.from)),
      element("button", { type: "button", class: "link", onclick: () => { this.pause(); this.go(s.from); } }, s.text))));
  }

  // message shows what a packet is, and what can be done to it.
  message(p) {
    this.ring.chosen = this.diagram.packet = p;
    byID("message").replaceChildren(`${nameOf(p.from)} → ${nameOf(p.to)}  ${p.what}; sent ${seconds(p.sent, 4)}` + (p.fate ? `, ${this.model.fates[p.fate]} ${seconds(p.ended, 4)}` : ""));
    const on = (text, deed) => element("button", { type: "button", onclick: () => this.meddle(p, deed) }, text);
    byID("message").append(element("span", { class: "tools", role: "group", "aria-label": "What happens to the message" },
      on("drop", "drop"), on("delay 100ms", "delay=100ms"), on("deliver now", "deliver"),
      ...(p.type === CLIENT || (p.kind & 255) === 2 ? [] : [on("double", "double")])));
    this.draw();
  }

  // meddle does something to a packet while it is on its way: at this moment, or else as
  // soon as it was sent.
  meddle(p, deed) {
    const flying = this.t > p.sent && (!p.fate || this.t < p.ended);
    return this.act({ do: "packet", at: flying ? Math.round(this.t) : p.sent + 1, packet: p.i, text: deed });
  }

  async step(by) {
    this.pause();
    const list = this.model.stream;
    if (by < 0) {
      const i = firstAfter(list, this.t - 1, (e) => e.at) - 1;
      if (i >= 0) this.go(list[i].at); else this.go(0);
      return;
    }
    let i = firstAfter(list, this.t, (e) => e.at);
    if (i >= list.length) {
      const f = await this.request({ do: "step" });
      if (f.error) { this.status(f.error, true); return; }
      this.take(f);
      i = firstAfter(this.model.stream, this.t, (e) => e.at);
    }
    this.go(this.model.stream[i] ? this.model.stream[i].at : this.model.meta.to);
  }

  async save() {
    this.pause();
    this.status("The story runs to its end.");
    const f = await this.request({ do: "end" });
    if (f.error) { this.status(f.error, true); return; }
    this.status("");
    const seed = this.opened.seed, bugs = this.opened.bugs ? ` --bug ${this.opened.bugs}` : "";
    byID("report-text").textContent = `${f.report}\n${f.scenario}\nSaved as playground.scn: etcdsim run playground.scn --seed ${seed}${bugs}`;
    byID("report").dataset.digest = f.digest;
    byID("download").href = "data:text/plain;charset=utf-8," + encodeURIComponent(f.scenario);
    this.saved = f;
    byID("report").showModal();
  }

  // Links hold scenario, seed, bugs and moment; and the story, if it is not a built-in
  // scenario any more.
  link() {
    const at = new URLSearchParams();
    const o = this.opened;
    at.set("seed", o.seed);
    if (o.bugs) at.set("bugs", o.bugs);
    if (o.lesson && !this.touched()) at.set("lesson", o.lesson);
    else if (o.scenario && !this.touched()) at.set("scenario", o.scenario);
    else at.set("text", this.frame.story.map((s) => s.text).join("\n"));
    at.set("t", Math.round(this.t));
    return location.href.split("#")[0] + "#" + at;
  }

  touched() { return byID("answer").textContent !== ""; }

  fromLink() {
    if (!location.hash && about.begin) return { ...about.begin };
    const at = new URLSearchParams(location.hash.slice(1));
    const o = { seed: at.get("seed") || "1" };
    for (const k of ["scenario", "bugs", "text", "lesson"]) if (at.get(k)) o[k] = at.get(k);
    if (at.has("t")) o.t = at.get("t");
    return o;
  }

  listen() {
    byID("open").addEventListener("submit", (e) => {
      e.preventDefault();
      this.viewed = false;
      const o = { seed: byID("seed").value.trim() || "1" };
      if (byID("scenario").value) o.scenario = byID("scenario").value;
      if (byID("bug").value) o.bugs = byID("bug").value;
      this.open(o);
    });
    byID("begin").onclick = () => {
      this.viewed = false;
      const lesson = byID("lesson-name").value;
      this.open(lesson ? { seed: "1", lesson } : { seed: "1" });
    };
    byID("return").onclick = () => this.comeBack();
    byID("say").addEventListener("submit", (e) => { e.preventDefault(); if (byID("text").value.trim()) this.say(byID("text").value.trim()); });
    byID("play").onclick = () => (this.playing ? this.pause() : this.play());
    byID("back").onclick = () => this.step(-1);
    byID("forth").onclick = () => this.step(1);
    byID("present").onclick = () => this.go(this.model.meta.to);
    byID("speed").oninput = () => this.speed();
    byID("slider").oninput = (e) => { this.pause(); this.go(Number(e.target.value) / 1000 * this.model.meta.to); };
    byID("member").onchange = () => this.draw();
    byID("cut").onclick = () => this.say(`cut n${byID("from").value} -> n${byID("to").value}`);
    byID("hold").onclick = () => this.say(`hold n${byID("from").value} -> n${byID("to").value}`);
    byID("release").onclick = () => this.say("release");
    byID("heal").onclick = () => this.say("heal");
    byID("in").onclick = () => this.diagram.zoom(0.5);
    byID("out").onclick = () => this.diagram.zoom(2);
    byID("show-beats").onchange = (e) => { this.diagram.beats = e.target.checked; this.diagram.redraw(); };
    byID("show-clients").onchange = (e) => { this.diagram.clients = e.target.checked; this.diagram.resize(); };
    byID("save").onclick = () => this.save();
    byID("close").onclick = () => byID("report").close();
    byID("link").onclick = () => {
      const url = this.link();
      history.replaceState(null, "", url);
      if (navigator.clipboard) navigator.clipboard.writeText(url).catch(() => {});
      this.status("The address of this page leads to this moment now.");
    };
    addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || ["INPUT", "SELECT", "BUTTON", "TEXTAREA"].includes(e.target.tagName) && e.key !== "Escape") return;
      const keys = {
        " ": () => (this.playing ? this.pause() : this.play()), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
        Home: () => { this.pause(); this.go(0); }, End: () => this.go(this.model.meta.to), "+": () => this.diagram.zoom(0.5), "-": () => this.diagram.zoom(2),
        "/": () => byID("text").focus(), Escape: () => document.activeElement.blur(),
      };
      if (keys[e.key]) { keys[e.key](); e.preventDefault(); }
    });
  }
}

const playground = new Playground(about.wasm ? compiled() : served(), about.progress ? keptByServer() : keptByBrowser());
