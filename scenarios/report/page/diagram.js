"use strict";
// The space-time diagram: a lane for each member and client, time to the right,
// packets as arrows. It draws what is in view, and says what was chosen.

// Terms take these colours in turn; the number stands beside them (Okabe and Ito's
// palette, which colour-blind readers can tell apart).
const TERM_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
const TERM_INK = ["#fff", "#000", "#000", "#000", "#000", "#000"];

const GUTTER = 46, AXIS = 22, TITLES = 12, MEMBER_LANE = 48, CLIENT_LANE = 20, GAP = 12;

class Diagram {
  constructor(canvas, model, choose) {
    this.canvas = canvas;
    this.model = model;
    this.choose = choose; // called with {t, op, packet}
    this.g = canvas.getContext("2d");
    this.t0 = model.meta.from;
    this.t1 = Math.max(model.meta.to, this.t0 + 1e6);
    this.cursor = this.t0;
    this.beats = false;
    this.clients = true;
    this.op = 0;
    this.room = 0; // time shown behind the end, ns
    this.pending = false;
    this.frames = 0;
    this.colours();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.colours(); this.redraw(); });
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.listen();
    this.resize();
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    this.c = {};
    for (const name of ["ground", "panel", "line", "text", "faint", "good", "bad", "doubt", "mark", "cursor", "append", "beat", "vote", "client", "snap", "other"]) {
      this.c[name] = style.getPropertyValue("--" + name).trim();
    }
  }

  height() {
    return AXIS + TITLES + this.model.lanes.length * MEMBER_LANE + (this.clients ? GAP + this.model.clients.length * CLIENT_LANE : 0) + 8;
  }

  resize() {
    const width = this.canvas.parentElement.clientWidth, height = this.height();
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = height + "px";
    this.g.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.redraw();
  }

  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.draw(); this.frames++; });
  }

  x(t) { return GUTTER + (t - this.t0) / (this.t1 - this.t0) * (this.width - GUTTER - 6); }
  t(x) { return this.t0 + (x - GUTTER) / (this.width - GUTTER - 6) * (this.t1 - this.t0); }

  // y is the middle of an endpoint's lane, or undefined if it has none.
  y(address) {
    if (address < FIRST_CLIENT) return AXIS + TITLES + (address - 0.5) * MEMBER_LANE;
    const place = this.model.clients.indexOf(address - FIRST_CLIENT);
    if (!this.clients || place < 0) return undefined;
    return AXIS + TITLES + this.model.lanes.length * MEMBER_LANE + GAP + (place + 0.5) * CLIENT_LANE;
  }

  // show moves the view so that a time is in it.
  show(t) {
    const span = this.t1 - this.t0;
    if (t < this.t0 + span * 0.05 || t > this.t1 - span * 0.05) this.look(t - span / 2, t + span / 2);
  }

  look(t0, t1) {
    const { from, to } = this.model.meta;
    // A run that goes on has room behind its end, and is never looked at too closely
    // only because it is young.
    const whole = Math.max(to - from, this.room || 1e6);
    const span = Math.min(Math.max(t1 - t0, 20e3), whole * 1.02);
    const middle = (t0 + t1) / 2;
    this.t0 = Math.max(from - whole * 0.01, Math.min(middle - span / 2, to + (this.room || whole * 0.01) - span));
    this.t1 = this.t0 + span;
    this.redraw();
  }

  zoom(factor, t = this.cursor) {
    if (t < this.t0 || t > this.t1) t = (this.t0 + this.t1) / 2;
    this.look(t - (t - this.t0) * factor, t + (this.t1 - t) * factor);
  }

  draw() {
    const g = this.g, height = this.height();
    g.clearRect(0, 0, this.width, height);
    g.fillStyle = this.c.ground;
    g.fillRect(0, 0, this.width, height);
    g.font = "12px system-ui, sans-serif";
    g.textBaseline = "middle";
    g.save();
    g.beginPath();
    g.rect(GUTTER, 0, this.width - GUTTER, height);
    g.clip();
    this.axis(height);
    const packets = this.visible();
    this.arrows(packets);
    for (const n of this.model.lanes) this.lane(n);
    if (this.clients) this.operations();
    this.chosen(packets);
    const x = this.x(this.cursor);
    g.strokeStyle = this.c.cursor;
    g.lineWidth = 1.5;
    g.setLineDash([]);
    g.beginPath();
    g.moveTo(x, 0);
    g.lineTo(x, height);
    g.stroke();
    g.restore();
    this.names();
  }

  names() {
    const g = this.g;
    g.textAlign = "left";
    g.fillStyle = this.c.text;
    g.font = "600 12px system-ui, sans-serif";
    for (const n of this.model.lanes) g.fillText("n" + n, 8, this.y(n));
    g.font = "11px system-ui, sans-serif";
    g.fillStyle = this.c.faint;
    if (this.clients) for (const c of this.model.clients) g.fillText("c" + c, 8, this.y(FIRST_CLIENT + c));
  }

  axis(height) {
    const g = this.g, span = this.t1 - this.t0;
    for (const p of this.model.phases) {
      const x = this.x(p.start);
      if (p.start > this.t1 || p.end < this.t0 || p.end === p.start) continue;
      g.strokeStyle = this.c.line;
      g.lineWidth = 1;
      g.setLineDash([2, 3]);
      g.beginPath();
      g.moveTo(x, AXIS);
      g.lineTo(x, height);
      g.stroke();
      g.setLineDash([]);
      const room = Math.min(this.x(p.end), this.width) - Math.max(x, GUTTER) - 8;
      if (room > 40) {
        g.save();
        g.beginPath(); g.rect(Math.max(x, GUTTER), AXIS, room + 4, 14); g.clip();
        g.fillStyle = this.c.faint;
        g.textAlign = "left";
        g.fillText((p.number ? p.number + ". " : "") + p.title, Math.max(x, GUTTER) + 4, AXIS + 7);
        g.restore();
      }
    }
    let step = 1e3;
    const steps = [2, 2.5, 2];
    for (let i = 0; span / step > this.width / 90; i++) step *= steps[i % 3];
    const digits = Math.max(0, Math.min(6, Math.ceil(9 - Math.log10(step) - 1e-9)));
    g.fillStyle = this.c.faint;
    g.strokeStyle = this.c.line;
    g.textAlign = "center";
    for (let t = Math.ceil(this.t0 / step) * step; t <= this.t1; t += step) {
      if (t < 0) continue;
      const x = this.x(t);
      g.fillText((t / 1e9).toFixed(digits) + "s", x, 8);
      g.beginPath();
      g.moveTo(x, 15);
      g.lineTo(x, AXIS - 2);
      g.stroke();
    }
  }

  // lane draws what a member is: a bar whose height and filling is the role.
  lane(n) {
    const g = this.g, y = this.y(n);
    for (const [i, s] of this.model.spans[n - 1].entries()) {
      if (s.to < this.t0 || s.from > this.t1) continue;
      const x0 = Math.max(this.x(s.from), GUTTER - 20), x1 = Math.min(this.x(s.to), this.width + 20);
      if (s.life === DOWN || s.life === GONE) {
        g.strokeStyle = this.c.line;
        g.setLineDash([2, 6]);
        g.lineWidth = 1;
        g.beginPath(); g.moveTo(x0, y); g.lineTo(x1, y); g.stroke();
        g.setLineDash([]);
        if (s.from > this.model.meta.from) {
          g.fillStyle = this.c.bad;
          g.font = "bold 14px system-ui, sans-serif";
          g.textAlign = "center";
          g.fillText("✗", this.x(s.from), y);
          g.font = "12px system-ui, sans-serif";
        }
        continue;
      }
      const colour = TERM_COLOURS[s.term % TERM_COLOURS.length];
      if (s.role === LEADER_ROLE) {
        g.fillStyle = colour;
        g.fillRect(x0, y - 8, x1 - x0, 16);
        const label = `leads term ${s.term}`, left = Math.max(x0, GUTTER) + 4;
        if (x1 - left > g.measureText(label).width + 6) {
          g.fillStyle = TERM_INK[s.term % TERM_INK.length];
          g.textAlign = "left";
          g.fillText(label, left, y);
        }
      } else if (s.role === 0) {
        g.fillStyle = colour;
        g.fillRect(x0, y - 2, x1 - x0, 4);
        // A colour alone would not tell which term it is.
        const before = this.model.spans[n - 1][i - 1];
        if (before && before.term !== s.term && x0 > GUTTER && x1 - x0 > 48) {
          g.fillStyle = this.c.faint;
          g.font = "11px system-ui, sans-serif";
          g.textAlign = "left";
          g.fillText("term " + s.term, x0 + 3, y - 8);
          g.font = "12px system-ui, sans-serif";
        }
      } else {
        g.strokeStyle = colour;
        g.lineWidth = 2;
        g.setLineDash(s.role === 1 ? [] : [3, 3]);
        g.strokeRect(x0, y - 5, Math.max(1, x1 - x0), 10);
        g.setLineDash([]);
      }
      if (s.life === PAUSED) {
        g.fillStyle = this.c.ground;
        for (let x = x0; x < x1; x += 8) g.fillRect(x, y - 9, 4, 18);
        if (x1 - x0 > 60) { g.fillStyle = this.c.text; g.textAlign = "left"; g.fillText("paused", Math.max(x0, GUTTER) + 4, y - 15); }
      }
    }
    for (const s of this.model.ails[n - 1]) {
      if (s.to < this.t0 || s.from > this.t1) continue;
      const x0 = Math.max(this.x(s.from), GUTTER), x1 = Math.min(this.x(s.to), this.width);
      g.strokeStyle = g.fillStyle = this.c.doubt;
      g.lineWidth = 1.5;
      g.setLineDash([2, 2]);
      g.beginPath(); g.moveTo(x0, y - 12); g.lineTo(x1, y - 12); g.stroke();
      g.setLineDash([]);
      g.font = "11px system-ui, sans-serif";
      if (x1 - x0 > g.measureText("▲ " + s.what).width + 6) { g.textAlign = "left"; g.fillText("▲ " + s.what, x0 + 4, y - 18); }
      g.font = "12px system-ui, sans-serif";
    }
    for (const s of this.model.cuts[n - 1]) {
      if (s.to < this.t0 || s.from > this.t1) continue;
      const x0 = Math.max(this.x(s.from), GUTTER), x1 = Math.min(this.x(s.to), this.width);
      g.strokeStyle = g.fillStyle = this.c.bad;
      g.lineWidth = 1.5;
      g.setLineDash([6, 3, 1, 3]);
      g.beginPath(); g.moveTo(x0, y + 13); g.lineTo(x1, y + 13); g.stroke();
      g.setLineDash([]);
      const label = "cut off from " + s.whom;
      g.font = "11px system-ui, sans-serif";
      if (x1 - x0 > g.measureText(label).width + 6) {
        // Packets cross here: the words stand on ground of their own.
        g.strokeStyle = this.c.ground;
        g.lineWidth = 3;
        g.textAlign = "left";
        g.strokeText(label, x0 + 4, y + 21);
        g.fillText(label, x0 + 4, y + 21);
      }
      g.font = "12px system-ui, sans-serif";
    }
    this.dots(n, y);
  }

  // dots marks what a member's disk and log did, once there is room.
  dots(n, y) {
    if (this.t1 - this.t0 > 120e6) return;
    const g = this.g, notes = this.model.notes;
    let i = firstAfter(notes, this.t0 - 1, (e) => e.at);
    for (; i < notes.length && notes[i].at <= this.t1; i++) {
      const e = notes[i];
      if (e.member !== n) continue;
      const x = this.x(e.at);
      g.fillStyle = this.c.text;
      if (e.kind === "durable" || e.kind === "synced") g.fillRect(x - 2.5, y + 4, 5, 5);
      else if (e.kind === "commit") { g.beginPath(); g.moveTo(x, y - 10); g.lineTo(x + 4, y - 6); g.lineTo(x, y - 2); g.lineTo(x - 4, y - 6); g.fill(); }
      else if (e.kind === "apply") { g.beginPath(); g.arc(x, y, 2.5, 0, 7); g.fill(); }
    }
  }

  // lanesOfOps are the operations of each client.
  lanesOfOps() {
    if (this.opCount !== this.model.ops.length) {
      this.opCount = this.model.ops.length;
      this.opLanes = new Map(this.model.clients.map((c) => [c, []]));
      for (const o of this.model.ops) this.opLanes.get(o.client).push(o);
    }
    return this.opLanes;
  }

  operations() {
    const g = this.g, model = this.model;
    const tint = { ok: this.c.client, failed: this.c.doubt, unknown: this.c.faint };
    for (const [client, ops] of this.lanesOfOps()) {
      const y = this.y(FIRST_CLIENT + client);
      for (const o of ops) {
        const end = o.return < 0 ? model.meta.to : o.return;
        if (end < this.t0 || o.invoke > this.t1) continue;
        const x0 = this.x(o.invoke), x1 = Math.max(x0 + 1.5, this.x(end));
        const wrong = model.wrong.has(o.id);
        g.lineWidth = wrong || o.id === this.op ? 2.5 : 1;
        g.strokeStyle = wrong ? this.c.bad : tint[o.outcome];
        g.setLineDash(o.outcome === "unknown" ? [3, 2] : []);
        if (o.id === this.op) { g.fillStyle = this.c.mark; g.fillRect(x0, y - 7, x1 - x0, 14); }
        g.strokeRect(x0, y - 7, x1 - x0, 14);
        g.setLineDash([]);
        const left = Math.max(x0, GUTTER) + 3, room = Math.min(x1, this.width) - left - 2;
        if (room > 24) {
          g.fillStyle = wrong ? this.c.bad : this.c.text;
          g.textAlign = "left";
          g.save();
          g.beginPath(); g.rect(left, y - 7, room, 14); g.clip();
          const note = model.wrong.get(o.id);
          g.fillText((wrong ? "✗ " : "") + o.text + (note ? "  ← " + note : ""), left, y + 0.5);
          g.restore();
        } else if (wrong) {
          g.fillStyle = this.c.bad;
          g.textAlign = "center";
          g.fillText("✗", (x0 + x1) / 2, y + 0.5);
        }
      }
    }
  }

  // visible are the packets in view.
  visible() {
    const { packets, longest, meta } = this.model;
    const out = [];
    const ends = Math.max(meta.to, this.t1);
    for (let i = firstAfter(packets, this.t0 - longest - 1, (p) => p.sent); i < packets.length && packets[i].sent <= this.t1; i++) {
      const p = packets[i];
      if ((p.fate ? p.ended : ends) < this.t0) continue;
      if (p.type === BEAT && !this.beats) continue;
      if (this.y(p.from) === undefined || this.y(p.to) === undefined) continue;
      out.push(p);
    }
    return out;
  }

  // ends of a packet's arrow. Lost ones end half way.
  line(p) {
    const y0 = this.y(p.from), y1 = this.y(p.to), x0 = this.x(p.sent);
    const lost = p.fate > 2;
    if (!lost) return [x0, y0, this.x(p.fate ? p.ended : this.model.meta.to), y1];
    const flight = Math.max(p.ended - p.sent, 3e6);
    return [x0, y0, this.x(p.sent + flight / 2), (y0 + y1) / 2];
  }

  arrows(packets) {
    const g = this.g;
    const heads = packets.length < 700;
    const faint = packets.length > 2500 ? 0.2 : packets.length > 900 ? 0.45 : 0.9;
    const dashes = { vote: [6, 3], client: [2, 2], beat: [1, 3], snap: [], append: [], other: [8, 2, 2, 2] };
    for (const type of [BEAT, OTHER, CLIENT, APPEND, SNAP, VOTE]) {
      g.strokeStyle = g.fillStyle = this.c[type];
      g.lineWidth = type === SNAP ? 2.5 : 1;
      g.globalAlpha = type === VOTE || type === SNAP ? 1 : faint;
      g.setLineDash(dashes[type]);
      g.beginPath();
      for (const p of packets) {
        if (p.type !== type) continue;
        const [x0, y0, x1, y1] = this.line(p);
        g.moveTo(x0, y0);
        g.lineTo(x1, y1);
      }
      g.stroke();
      g.setLineDash([]);
      if (heads) for (const p of packets) if (p.type === type && (p.fate === 1 || p.fate === 2)) this.head(this.line(p));
    }
    g.globalAlpha = 1;
    if (packets.length < 3000) {
      g.strokeStyle = this.c.bad;
      g.lineWidth = 1.5;
      g.beginPath();
      for (const p of packets) {
        if (p.fate <= 2) continue;
        const [, , x, y] = this.line(p);
        g.moveTo(x - 3.5, y - 3.5); g.lineTo(x + 3.5, y + 3.5);
        g.moveTo(x - 3.5, y + 3.5); g.lineTo(x + 3.5, y - 3.5);
      }
      g.stroke();
    }
  }

  // chosen draws the packets of what was chosen over everything else.
  chosen(packets) {
    const g = this.g;
    const story = new Set((this.model.stories[this.op] || []).map(([, packet]) => packet));
    g.lineWidth = 2.5;
    for (const p of packets) {
      if (!story.has(p.i) && p !== this.packet) continue;
      g.strokeStyle = g.fillStyle = this.c[p.type];
      const l = this.line(p);
      g.beginPath(); g.moveTo(l[0], l[1]); g.lineTo(l[2], l[3]); g.stroke();
      this.head(l, 7);
    }
  }

  head([x0, y0, x1, y1], size = 5) {
    const g = this.g, d = Math.hypot(x1 - x0, y1 - y0) || 1;
    const ux = (x1 - x0) / d, uy = (y1 - y0) / d;
    g.beginPath();
    g.moveTo(x1, y1);
    g.lineTo(x1 - ux * size - uy * size * 0.5, y1 - uy * size + ux * size * 0.5);
    g.lineTo(x1 - ux * size + uy * size * 0.5, y1 - uy * size - ux * size * 0.5);
    g.fill();
  }

  // at is what a reader points at.
  at(x, y) {
    for (const [client, ops] of this.lanesOfOps()) {
      const lane = this.y(FIRST_CLIENT + client);
      if (lane === undefined || Math.abs(lane - y) > CLIENT_LANE / 2) continue;
      for (const o of ops) {
        const end = o.return < 0 ? this.model.meta.to : o.return;
        if (this.x(o.invoke) - 2 <= x && x <= this.x(end) + 2) return { op: o };
      }
    }
    let best = 6, packet;
    for (const p of this.visible()) {
      const [x0, y0, x1, y1] = this.line(p);
      const length = (x1 - x0) ** 2 + (y1 - y0) ** 2 || 1;
      const k = Math.max(0, Math.min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length));
      const d = Math.hypot(x - x0 - k * (x1 - x0), y - y0 - k * (y1 - y0));
      if (d < best) { best = d; packet = p; }
    }
    return packet ? { packet } : {};
  }

  listen() {
    const canvas = this.canvas;
    let from = null;
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      from = { x: e.offsetX, t0: this.t0, t1: this.t1, moved: false };
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!from) return;
      const dx = e.offsetX - from.x;
      if (Math.abs(dx) > 3) from.moved = true;
      if (from.moved) {
        const dt = -dx / (this.width - GUTTER - 6) * (from.t1 - from.t0);
        this.look(from.t0 + dt, from.t1 + dt);
      }
    });
    canvas.addEventListener("pointerup", (e) => {
      if (from && !from.moved) {
        const t = Math.max(this.model.meta.from, Math.min(this.model.meta.to, this.t(e.offsetX)));
        this.choose({ t, ...this.at(e.offsetX, e.offsetY) });
      }
      from = null;
    });
    canvas.addEventListener("pointercancel", () => { from = null; });
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
        const dt = (e.deltaX || e.deltaY) / this.width * (this.t1 - this.t0);
        this.look(this.t0 + dt, this.t1 + dt);
      } else {
        this.zoom(Math.exp(e.deltaY * 0.0015), this.t(e.offsetX));
      }
    }, { passive: false });
  }
}
