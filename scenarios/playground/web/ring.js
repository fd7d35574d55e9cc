"use strict";
// The ring: members on a circle, clients outside, packets on their way between them.
// A member's size and frame say its role; the arc around it is its patience running out.

class Ring {
  constructor(canvas, model, on) {
    this.canvas = canvas;
    this.model = model;
    this.on = on; // member(n), packet(p), line(a, b)
    this.g = canvas.getContext("2d");
    this.t = 0;
    this.line = null;
    this.colours();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.colours(); this.draw(); });
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.listen();
    this.resize();
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    this.c = {};
    for (const name of ["ground", "line", "text", "faint", "bad", "mark", "append", "beat", "vote", "client", "snap", "other", "doubt"]) {
      this.c[name] = style.getPropertyValue("--" + name).trim();
    }
  }

  resize() {
    const width = this.canvas.parentElement.clientWidth, height = Math.min(Math.max(width, 260), 420);
    const ratio = window.devicePixelRatio || 1;
    Object.assign(this, { width, height });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = height + "px";
    this.g.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  // place is where an endpoint is, or undefined.
  place(address) {
    const cx = this.width / 2, cy = this.height / 2;
    const n = this.model.lanes.length;
    if (address < FIRST_CLIENT) {
      const a = (address - 1) / n * 2 * Math.PI - Math.PI / 2, r = Math.min(cx, cy) - 62;
      return [cx + r * Math.cos(a), cy + r * Math.sin(a)];
    }
    const all = this.model.clients.length, k = this.model.clients.indexOf(address - FIRST_CLIENT);
    if (k < 0) return undefined;
    // On the left as long as there is room, on both sides otherwise.
    const sides = all > 8 ? 2 : 1, rows = Math.ceil(all / sides);
    return [k % sides ? this.width - 14 : 14, 16 + Math.floor(k / sides) * (this.height - 32) / Math.max(rows - 1, 1)];
  }

  // flying are the packets on their way.
  flying() {
    const { packets, longest } = this.model, t = this.t, out = [];
    for (let i = firstAfter(packets, t - longest - 1, (p) => p.sent); i < packets.length && packets[i].sent <= t; i++) {
      const p = packets[i];
      if (p.fate && p.ended <= t) continue;
      const a = this.place(p.from), b = this.place(p.to);
      if (!a || !b) continue;
      const whole = p.fate ? p.ended - p.sent : Math.max(this.model.meta.to - p.sent, 30e6);
      const k = Math.min(0.97, (t - p.sent) / Math.max(whole, 1) * (p.fate > 2 ? 0.5 : 1));
      // To the right of the straight line, so that both directions are seen.
      const dx = b[0] - a[0], dy = b[1] - a[1], d = Math.hypot(dx, dy) || 1;
      // Between the rims of members, not to cover their names.
      const start = p.from < FIRST_CLIENT ? 33 / d : 0, end = p.to < FIRST_CLIENT ? 33 / d : 0, way = start + k * (1 - start - end);
      out.push({ p, x: a[0] + dx * way - dy / d * 7, y: a[1] + dy * way + dx / d * 7, lost: p.fate > 2 });
    }
    return out;
  }

  // text writes over whatever is below.
  text(text, x, y, colour) {
    const g = this.g;
    g.strokeStyle = this.c.ground;
    g.lineWidth = 3;
    g.lineJoin = "round";
    g.strokeText(text, x, y);
    g.fillStyle = colour;
    g.fillText(text, x, y);
  }

  draw() {
    const g = this.g, state = this.model.stateAt(this.t), seen = this.model.seenAt(this.t);
    g.clearRect(0, 0, this.width, this.height);
    g.textBaseline = "middle";
    g.textAlign = "center";
    this.links(state);
    for (const c of this.model.clients) {
      const at = this.place(FIRST_CLIENT + c);
      g.fillStyle = this.c.faint;
      g.font = "11px system-ui, sans-serif";
      g.fillText("c" + c, at[0], at[1]);
    }
    state.members.forEach((m, i) => this.member(i + 1, m, seen[i]));
    const letter = { append: "A", beat: "H", vote: "V", client: "C", snap: "S", other: "F" };
    for (const f of this.flying()) {
      g.fillStyle = f.lost ? this.c.bad : this.c[f.p.type];
      g.beginPath();
      const r = f.p.type === BEAT ? 5 : 7;
      if (f.p.type === VOTE) g.rect(f.x - r, f.y - r, 2 * r, 2 * r);
      else if (f.p.type === CLIENT) { g.moveTo(f.x, f.y - r - 1); g.lineTo(f.x + r + 1, f.y); g.lineTo(f.x, f.y + r + 1); g.lineTo(f.x - r - 1, f.y); }
      else g.arc(f.x, f.y, f.p.type === SNAP ? 10 : r, 0, 7);
      g.fill();
      if (f.p === this.chosen) { g.strokeStyle = this.c.text; g.lineWidth = 2; g.stroke(); }
      g.fillStyle = this.c.ground;
      g.font = "bold 9px system-ui, sans-serif";
      g.fillText(f.lost ? "✗" : letter[f.p.type], f.x, f.y + 0.5);
    }
    if (this.line) {
      g.strokeStyle = this.c.bad;
      g.lineWidth = 2;
      g.setLineDash([6, 4]);
      g.beginPath(); g.moveTo(...this.line[0]); g.lineTo(...this.line[1]); g.stroke();
      g.setLineDash([]);
    }
  }

  // links shows those that are cut or held, between members.
  links(state) {
    const g = this.g;
    for (const l of state.links) {
      if (l.to === 0 || l.to >= FIRST_CLIENT || l.from >= FIRST_CLIENT) continue;
      const a = this.place(l.from), b = this.place(l.to);
      if (!a || !b) continue;
      const dx = b[0] - a[0], dy = b[1] - a[1], d = Math.hypot(dx, dy) || 1, ox = -dy / d * 4, oy = dx / d * 4;
      g.strokeStyle = l.held ? this.c.vote : this.c.bad;
      g.lineWidth = 1;
      g.setLineDash(l.held ? [2, 4] : [7, 5]);
      g.beginPath(); g.moveTo(a[0] + ox, a[1] + oy); g.lineTo(b[0] + ox, b[1] + oy); g.stroke();
      g.setLineDash([]);
    }
    for (const l of state.links) {
      if (l.to !== 0) continue;
      const a = this.place(l.from);
      if (!a) continue;
      g.strokeStyle = this.c.bad;
      g.lineWidth = 1.5;
      g.setLineDash([7, 5]);
      g.beginPath(); g.arc(a[0], a[1], 46, 0, 7); g.stroke();
      g.setLineDash([]);
    }
  }

  member(n, m, seen) {
    const g = this.g, [x, y] = this.place(n);
    const up = m[LIFE] === UP, colour = TERM_COLOURS[m[TERM] % TERM_COLOURS.length];
    const leads = up && m[ROLE] === LEADER_ROLE;
    g.beginPath();
    g.arc(x, y, 27, 0, 7);
    g.fillStyle = leads ? colour : this.c.ground;
    g.fill();
    g.lineWidth = n === this.selected ? 4 : 2;
    g.strokeStyle = up || m[LIFE] === PAUSED ? colour : this.c.line;
    g.setLineDash(m[LIFE] === PAUSED ? [4, 4] : up && m[ROLE] % 3 === 1 ? [9, 3] : []);
    g.stroke();
    g.setLineDash([]);
    if (up && m[ROLE] !== LEADER_ROLE) {
      g.strokeStyle = this.c.vote;
      g.lineWidth = 4;
      g.beginPath();
      g.arc(x, y, 33, -Math.PI / 2, -Math.PI / 2 + (seen.timeout ? Math.min(1, seen.elapsed / seen.timeout) : 0) * 2 * Math.PI);
      g.stroke();
    }
    g.fillStyle = leads ? TERM_INK[m[TERM] % TERM_INK.length] : this.c.text;
    g.font = "bold 13px system-ui, sans-serif";
    g.fillText("n" + n, x, y - 7);
    g.font = "10.5px system-ui, sans-serif";
    g.fillText(up ? "term " + m[TERM] : LIFE_NAMES[m[LIFE]], x, y + 7);
    let below = up ? ROLE_NAMES[m[ROLE]] : "";
    if (up && m[ROLE] === 0 && m[LEADER]) below = "follows n" + m[LEADER];
    if (up && m[VOTED] && m[LEADER] !== m[VOTED]) below += ", voted n" + m[VOTED];
    this.text(below, x, y + 43, this.c.faint);
    const ails = troubles(m);
    if (ails.length) this.text("▲ " + (ails.length > 2 ? ails.length + " troubles" : ails.join(", ")), x, y + 56, this.c.doubt);
    if (!up && m[LIFE] !== PAUSED) {
      g.fillStyle = this.c.bad;
      g.font = "bold 20px system-ui, sans-serif";
      g.fillText("✗", x + 20, y - 20);
    }
  }

  listen() {
    const canvas = this.canvas;
    let from = null;
    canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); from = [e.offsetX, e.offsetY]; });
    canvas.addEventListener("pointermove", (e) => {
      if (!from) return;
      if (Math.hypot(e.offsetX - from[0], e.offsetY - from[1]) > 12) { this.line = [from, [e.offsetX, e.offsetY]]; this.draw(); }
    });
    canvas.addEventListener("pointerup", (e) => {
      if (this.line) {
        const sides = this.sides(...this.line);
        this.line = null;
        this.draw();
        if (sides[0].length && sides[1].length) this.on.line(...sides);
      } else if (from) {
        this.click(e.offsetX, e.offsetY);
      }
      from = null;
    });
    canvas.addEventListener("pointercancel", () => { from = this.line = null; this.draw(); });
  }

  // sides are the members on both sides of a line.
  sides(a, b) {
    const left = [], right = [];
    for (const n of this.model.lanes) {
      const [x, y] = this.place(n);
      ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0 ? left : right).push(n);
    }
    return [left, right];
  }

  click(x, y) {
    let best = 12, hit;
    for (const f of this.flying()) {
      const d = Math.hypot(f.x - x, f.y - y);
      if (d < best) { best = d; hit = f.p; }
    }
    if (hit) { this.on.packet(hit); return; }
    for (const n of this.model.lanes) {
      const [mx, my] = this.place(n);
      if (Math.hypot(mx - x, my - y) < 34) { this.on.member(n); return; }
    }
  }
}
