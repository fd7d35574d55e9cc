"use strict";
// What a run was, as data: no drawing, no document. Times are nanoseconds.

const FIRST_CLIENT = 1024;
const LIFE = 0, ROLE = 1, TERM = 2, LEADER = 3, COMMIT = 4, APPLIED = 5, LAST = 6, DURABLE = 7, LINK = 8;
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
  constructor(data) {
    Object.assign(this, data);
    this.packets = (data.packets || []).map(([kind, from, to, sent, ended, fate, term, what], i) =>
      ({ i, kind, from, to, sent, ended, fate, term, what, type: classOf(kind) }));
    this.notes = (data.notes || []).map(([at, kind, member, what], i) => ({ i, at, kind, member, what }));
    this.changes = data.changes || [];
    this.entries = data.entries || [];
    this.commits = new Map((data.commits || []).map(([index, term, rev, what, op]) => [index, { index, term, rev, what, op }]));
    this.ops = data.ops || [];
    this.op = new Map(this.ops.map((o) => [o.id, o]));
    this.wrong = new Map();
    for (const f of data.findings) for (const e of f.ops || []) this.wrong.set(e.op, e.note || "shows the violation");
    this.lanes = [];
    for (let n = 1; n <= data.meta.members; n++) this.lanes.push(n);
    const clients = new Set(this.ops.map((o) => o.client));
    this.clients = [...clients].sort((a, b) => a - b);
    this.longest = this.packets.reduce((d, p) => Math.max(d, (p.fate ? p.ended : data.meta.to) - p.sent), 0);
    this.stream = this.merged();
    this.spans = this.lanes.map((n) => this.spansOf(n));
  }

  // merged is every event in order: notes, and packets twice.
  merged() {
    const all = [];
    for (const n of this.notes) all.push({ at: n.at, what: n.what, note: n });
    for (const p of this.packets) {
      if (p.fate !== 2) all.push({ at: p.sent, what: `${nameOf(p.from)} → ${nameOf(p.to)}  ${p.what}`, packet: p });
      if (p.fate === 1 || p.fate === 2) all.push({ at: p.ended, what: `${nameOf(p.to)} gets from ${nameOf(p.from)}  ${p.what}`, packet: p });
      else if (p.fate > 2) all.push({ at: p.ended, what: `✗ ${nameOf(p.from)} → ${nameOf(p.to)} ${this.fates[p.fate]}: ${p.what}`, packet: p });
    }
    const order = all.map((e, i) => i).sort((a, b) => all[a].at - all[b].at || a - b);
    return order.map((i) => all[i]);
  }

  // spansOf are the stretches of time in which a member's life, role and term stay
  // the same.
  spansOf(member) {
    const spans = [];
    const now = [DOWN, 0, 0];
    let open = { from: this.meta.from, life: DOWN, role: 0, term: 0 };
    for (const [at, m, , field, value] of this.changes) {
      if (m !== member || field > TERM) continue;
      now[field] = value;
      if (at > open.from) {
        spans.push({ ...open, to: at });
      }
      open = { from: at, life: now[LIFE], role: now[ROLE], term: now[TERM] };
    }
    spans.push({ ...open, to: this.meta.to });
    return spans;
  }

  // stateAt is what each member is at a time, and which links are not open.
  stateAt(t) {
    const members = this.lanes.map(() => new Array(8).fill(0));
    const links = new Map();
    for (const [at, member, peer, field, value] of this.changes) {
      if (at > t) break;
      if (field === LINK) {
        const key = member + ">" + peer;
        if (value === 0) links.delete(key); else links.set(key, { from: member, to: peer, held: value === 2 });
      } else if (member > 0 && member <= members.length) {
        members[member - 1][field] = value;
      }
    }
    return { members, links: [...links.values()] };
  }

  // logsAt is each member's log at a time: terms by index, of what the window knows.
  logsAt(t) {
    const logs = this.lanes.map(() => ({ terms: new Map(), last: 0 }));
    for (const [at, member, index, term] of this.entries) {
      if (at > t) break;
      const log = logs[member - 1];
      if (index > log.last + 1) log.terms.clear(); // a snapshot took the place of the log
      for (let i = log.last; i >= index; i--) log.terms.delete(i);
      if (term) log.terms.set(index, term);
      log.last = term ? index : index - 1;
    }
    return logs;
  }

  // cutsOf lists the times in which a member cannot hear, or be heard by, the same
  // others.
  cutsOf(member) {
    const cut = new Map(); // from>to
    const spans = [];
    let open;
    for (const [at, from, to, field, value] of this.changes) {
      if (field !== LINK || (from !== member && to !== member)) continue;
      if (value === 0) cut.delete(from + ">" + to); else cut.set(from + ">" + to, from === member ? to : from);
      const whom = [...new Set(cut.values())].sort((a, b) => a - b).map(nameOf).join(" ");
      if (open && at > open.from) spans.push({ ...open, to: at });
      open = whom ? { from: at, whom } : undefined;
    }
    if (open) spans.push({ ...open, to: this.meta.to });
    return spans;
  }
}
