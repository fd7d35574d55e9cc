"use strict";
// What a run was, as data: no drawing, no document. Times are nanoseconds.

const FIRST_CLIENT = 1024;
const LIFE = 0, ROLE = 1, TERM = 2, LEADER = 3, COMMIT = 4, APPLIED = 5, LAST = 6, DURABLE = 7, LINK = 8, VOTED = 9;
const DISK = 10, SLOW_SYNCS = 11, SLOW_STEPS = 12, DRIFT = 13, AHEAD = 14, FIELDS = 15;
const DISK_TROUBLES = ["disk stalled", "disk full", "disk fails", "disk lies", "disk damaged", "disk wiped"];
const DOWN = 0, UP = 1, PAUSED = 2, GONE = 3;
const LIFE_NAMES = ["down", "up", "paused", "removed"];
const ROLE_NAMES = ["follower", "candidate", "leader", "pre-candidate"];
const LEADER_ROLE = 2;

const nameOf = (address) =>
  address === 0 ? "everybody" : address >= FIRST_CLIENT ? "c" + (address - FIRST_CLIENT) : "n" + address;

// seconds prints a time as the reports do: cut off, not rounded.
function seconds(t, digits = 3) {
  const unit = 10 ** (9 - digits);
  return ((Math.floor(t / unit) * unit) / 1e9).toFixed(digits) + "s";
}

// troubles are what ails a member, in a few words each.
function troubles(m) {
  const all = DISK_TROUBLES.filter((_, bit) => m[DISK] & (1 << bit)), sign = (n) => (n > 0 ? "+" : "") + n;
  if (m[SLOW_SYNCS]) all.push(`disk ×${m[SLOW_SYNCS]} slow`);
  if (m[SLOW_STEPS]) all.push(`steps up to ${m[SLOW_STEPS] / 1e6} ms`);
  if (m[DRIFT]) all.push(`clock ${sign(m[DRIFT] / 1e4)}%`);
  if (m[AHEAD]) all.push(`wall clock ${sign(m[AHEAD] / 1e9)}s`);
  return all;
}

// firstAfter is the first position in a sorted list whose key is greater than t.
function firstAfter(list, t, key) {
  let lo = 0, hi = list.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (key(list[mid]) <= t) lo = mid + 1; else hi = mid;
  }
  return lo;
}

// Classes of packets, by raft's type.
const APPEND = "append", BEAT = "beat", VOTE = "vote", CLIENT = "client", SNAP = "snap", OTHER = "other";
function classOf(kind) {
  switch (kind & 255) {
    case 3: case 4: return APPEND;
    case 8: case 9: return BEAT;
    case 5: case 6: case 17: case 18: case 14: return VOTE;
    case 7: return SNAP;
    case 100: case 101: return CLIENT;
  }
  return OTHER;
}

class Model {
  // data is what a page holds: everything of a run, or the beginning of one that goes
  // on (append).
  constructor(data) {
    this.fates = data.fates;
    this.meta = data.meta;
    this.phases = data.phases || [];
    this.statements = data.statements || [];
    this.judgements = data.judgements || [];
    this.findings = data.findings || [];
    this.stories = data.stories || {};
    this.lesson = data.lesson;
    this.packets = [];
    this.notes = [];
    this.changes = [];
    this.entries = [];
    this.commits = new Map();
    this.ops = [];
    this.op = new Map();
    this.stream = []; // every event in order: notes, and packets twice
    this.spans = []; // of each member: stretches in which life, role and term are the same
    this.cuts = []; // of each member: stretches in which it cannot hear, or be heard by, the same others
    this.ails = []; // of each member: stretches in which the same ails it
    this.lanes = [];
    this.patience = [];
    this.peers = [];
    this.keys = [];
    this.clients = [];
    this.longest = 0;
    this.append(data);
    this.wrong = new Map();
    for (const f of this.findings) for (const e of f.ops || []) this.wrong.set(e.op, e.note);
  }

  // append takes in what happened next, up to meta.to.
  append(data) {
    for (let n = this.lanes.length + 1; n <= this.meta.members; n++) {
      this.lanes.push(n);
      this.spans.push([{ from: this.meta.from, to: this.meta.to, life: DOWN, role: 0, term: 0 }]);
      this.cuts.push([]);
      this.ails.push([]);
    }
    const fresh = [];
    for (const [i, ended, fate] of data.ended || []) {
      const p = this.packets[i];
      p.ended = ended;
      p.fate = fate;
      this.arrived(p, fresh);
    }
    for (const [kind, from, to, sent, ended, fate, term, what] of data.packets || []) {
      const p = { i: this.packets.length, kind, from, to, sent, ended, fate, term, what, type: classOf(kind) };
      this.packets.push(p);
      if (fate !== 2) fresh.push({ at: sent, what: `${nameOf(from)} → ${nameOf(to)}  ${what}`, packet: p });
      if (fate) this.arrived(p, fresh);
    }
    for (const [at, kind, member, what] of data.notes || []) {
      const n = { i: this.notes.length, at, kind, member, what };
      this.notes.push(n);
      fresh.push({ at, what, note: n });
    }
    const order = fresh.map((e, i) => i).sort((a, b) => fresh[a].at - fresh[b].at || a - b);
    for (const i of order) this.stream.push(fresh[i]);
    for (const c of data.changes || []) {
      this.changes.push(c);
      this.changed(c);
    }
    for (const e of data.entries || []) this.entries.push(e);
    for (const name of ["patience", "peers", "keys"]) for (const row of data[name] || []) this[name].push(row);
    for (const [index, term, rev, what, op] of data.commits || []) this.commits.set(index, { index, term, rev, what, op });
    for (const o of data.ops || []) {
      const before = this.op.get(o.id);
      if (before) { Object.assign(before, o); continue; }
      this.ops.push(o);
      this.op.set(o.id, o);
      if (!this.clients.includes(o.client)) { this.clients.push(o.client); this.clients.sort((a, b) => a - b); }
    }
    for (const list of this.spans) list[list.length - 1].to = this.meta.to;
    for (const list of [...this.cuts, ...this.ails]) if (list.length && list[list.length - 1].open) list[list.length - 1].to = this.meta.to;
  }

  arrived(p, fresh) {
    this.longest = Math.max(this.longest, p.ended - p.sent);
    if (p.fate > 2) fresh.push({ at: p.ended, what: `✗ ${nameOf(p.from)} → ${nameOf(p.to)} ${this.fates[p.fate]}: ${p.what}`, packet: p });
    else fresh.push({ at: p.ended, what: `${nameOf(p.to)} gets from ${nameOf(p.from)}  ${p.what}`, packet: p });
  }

  changed([at, member, peer, field, value]) {
    if (field === LINK) {
      this.relinked(at, member, member, peer, value);
      if (peer > 0 && peer < FIRST_CLIENT) this.relinked(at, peer, member, peer, value);
      return;
    }
    if (field >= DISK && member > 0 && member <= this.ails.length) { this.ailing(at, member, field, value); return; }
    if (field > TERM || member < 1 || member > this.spans.length) return;
    const list = this.spans[member - 1], last = list[list.length - 1];
    const name = ["life", "role", "term"][field];
    if (at > last.from) {
      last.to = at;
      list.push({ ...last, from: at, to: this.meta.to, [name]: value });
    } else {
      last[name] = value;
    }
  }

  relinked(at, of, from, to, value) {
    if (of < 1 || of > this.cuts.length) return;
    const list = this.cuts[of - 1];
    this.cut = this.cut || new Map();
    const key = `${of}:${from}>${to}`;
    if (value === 0) this.cut.delete(key); else this.cut.set(key, from === of ? to : from);
    const whom = [...new Set([...this.cut].filter(([k]) => k.startsWith(of + ":")).map(([, w]) => w))].sort((a, b) => a - b).map(nameOf).join(" ");
    const last = list[list.length - 1];
    if (last && last.open) {
      last.to = at;
      last.open = false;
      if (last.from === at) list.pop();
    }
    if (whom) list.push({ from: at, to: this.meta.to, whom, open: true });
  }

  // ailing notes that something ails a member from now on, or no longer.
  ailing(at, member, field, value) {
    const list = this.ails[member - 1], last = list[list.length - 1];
    list.now = list.now || new Array(FIELDS).fill(0);
    list.now[field] = value;
    const what = troubles(list.now).join(", ");
    if (last && last.open) {
      last.to = at;
      last.open = false;
      if (last.from === at) list.pop();
    }
    if (what) list.push({ from: at, to: this.meta.to, what, open: true });
  }

  // seenAt is what was seen of each member at a time, and is not in the trace: how patient
  // it is, what it knew of the others if it led, and its first keys.
  seenAt(t) {
    if (!this.seen || this.seen.t > t) this.seen = { t: -1, i: 0, j: 0, k: 0, members: [] };
    const s = this.seen;
    while (s.members.length < this.lanes.length) s.members.push({ elapsed: 0, timeout: 0, peers: new Map(), keys: new Map() });
    for (; s.i < this.patience.length && this.patience[s.i][0] <= t; s.i++) {
      const [, member, elapsed, timeout] = this.patience[s.i];
      Object.assign(s.members[member - 1], { elapsed, timeout });
    }
    for (; s.j < this.peers.length && this.peers[s.j][0] <= t; s.j++) {
      const [, leader, member, match, next] = this.peers[s.j];
      s.members[leader - 1].peers.set(member, [match, next]);
    }
    for (; s.k < this.keys.length && this.keys[s.k][0] <= t; s.k++) {
      const [, member, key, value, revision] = this.keys[s.k];
      if (revision) s.members[member - 1].keys.set(key, [value, revision]); else s.members[member - 1].keys.delete(key);
    }
    s.t = t;
    return s.members;
  }

  // stateAt is what each member is at a time, and which links are not open. Asked for
  // later and later times it goes on from where it was.
  stateAt(t) {
    if (!this.state || this.state.t > t) this.state = { t: -1, i: 0, members: [], links: new Map() };
    const s = this.state;
    while (s.members.length < this.lanes.length) s.members.push(new Array(FIELDS).fill(0));
    for (; s.i < this.changes.length && this.changes[s.i][0] <= t; s.i++) {
      const [, member, peer, field, value] = this.changes[s.i];
      if (field === LINK) {
        const key = member + ">" + peer;
        if (value === 0) s.links.delete(key); else s.links.set(key, { from: member, to: peer, held: value === 2 });
      } else if (member > 0 && member <= s.members.length) {
        s.members[member - 1][field] = value;
      }
    }
    s.t = t;
    return { members: s.members, links: [...s.links.values()] };
  }

  // logsAt is each member's log at a time: terms by index, of what the window knows.
  logsAt(t) {
    if (!this.logState || this.logState.t > t) this.logState = { t: -1, i: 0, logs: [] };
    const s = this.logState;
    while (s.logs.length < this.lanes.length) s.logs.push({ terms: new Map(), last: 0 });
    for (; s.i < this.entries.length && this.entries[s.i][0] <= t; s.i++) {
      const [, member, index, term] = this.entries[s.i];
      const log = s.logs[member - 1];
      if (index > log.last + 1) log.terms.clear(); // a snapshot took the place of the log
      for (let i = log.last; i >= index; i--) log.terms.delete(i);
      if (term) log.terms.set(index, term);
      log.last = term ? index : index - 1;
    }
    s.t = t;
    return s.logs;
  }
}
