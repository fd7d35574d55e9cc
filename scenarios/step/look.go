package step

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// What one sees of a universe. Looking changes nothing in it.

func simTime(d time.Duration) sim.Time { return sim.Time(0).Add(d) }

// aspects are what a member can be looked at for.
var aspects = []struct {
	name string
	show func(*view, uint64, []string) error
}{
	{"log", (*view).log},
	{"store", (*view).store},
	{"leases", (*view).leases},
	{"watchers", (*view).watchers},
	{"disk", (*view).disk},
}

// view is what is being shown of a cluster.
type view struct {
	strings.Builder
	c *cluster.Cluster
	s *Session
}

func (v *view) line(format string, args ...any) {
	v.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

const lookExpected = "expected nothing, a member (n1), log, store, leases, watchers or disk of a member (log n1), " +
	"a link (n1->n2), or clients"

func (s *Session) doLook(words []string) (string, error) {
	if err := s.ready(); err != nil {
		return "", err
	}
	v := &view{c: s.play.Cluster(), s: s}
	if len(words) == 0 {
		v.universe()
		return v.String(), nil
	}
	if words[0] == "clients" {
		v.clients()
		return v.String(), none("look clients", words[1:])
	}
	if from, to, ok := strings.Cut(strings.Join(words, ""), "->"); ok {
		err := v.link(from, to)
		return v.String(), err
	}
	show := (*view).member
	for _, a := range aspects {
		if words[0] == a.name {
			show, words = a.show, words[1:]
			break
		}
	}
	if len(words) == 0 {
		return "", fmt.Errorf("look: %s", lookExpected)
	}
	ids, err := v.members(words[0])
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if err := show(v, id, words[1:]); err != nil {
			return "", err
		}
	}
	return v.String(), nil
}

// lookWords are what may stand behind look.
func lookWords(s *Session) []string {
	all := []string{"clients", "leader"}
	for _, a := range aspects {
		all = append(all, a.name)
	}
	return append(all, memberNames(s)...)
}

func memberNames(s *Session) []string {
	if s.play == nil {
		return nil
	}
	var names []string
	for id := range s.play.Cluster().Size() {
		names = append(names, "n"+strconv.Itoa(id+1))
	}
	return names
}

// members returns who a word means: a member by number, the leader, all, or who a
// variable stands for.
func (v *view) members(word string) ([]uint64, error) {
	switch {
	case word == "leader":
		if leader := v.c.Leader(); leader != 0 {
			return []uint64{leader}, nil
		}
		return nil, fmt.Errorf("look: there is no leader now")
	case word == "all":
		ids := make([]uint64, v.c.Size())
		for i := range ids {
			ids[i] = uint64(i + 1)
		}
		return ids, nil
	case strings.HasPrefix(word, "$"):
		if ids := v.s.play.Members(word[1:]); len(ids) > 0 {
			return ids, nil
		}
		return nil, fmt.Errorf("look: %s stands for no member now", word)
	}
	digits, ok := strings.CutPrefix(word, "n")
	id, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil {
		return nil, fmt.Errorf("look %s: %s", word, lookExpected)
	}
	if id < 1 || id > uint64(v.c.Size()) {
		return nil, fmt.Errorf("look %s: there are %d members: expected n1 to n%d", word, v.c.Size(), v.c.Size())
	}
	return []uint64{id}, nil
}

func (v *view) universe() {
	log := v.s.play.Log()
	v.line("%s  seed %d  %d events  digest %s", v.c.Now(), v.s.seed, log.Count(), log.Digest())
	for id := uint64(1); id <= uint64(v.c.Size()); id++ {
		m := v.c.Member(id)
		if m.State == cluster.Down {
			v.line("  n%-2d %s", id, v.absence(&m))
			continue
		}
		v.line("  n%-2d %-13s term %-3d log %-9s commit %-5d applied %-5d rev %-5d %s",
			id, trace.RoleName(m.Role), m.Term, fmt.Sprintf("%d-%d", m.FirstIndex, m.LastIndex), m.Commit, m.Applied, m.Revision, v.condition(&m))
	}
	for from := uint64(1); from <= uint64(v.c.Size()); from++ {
		for to := uint64(1); to <= uint64(v.c.Size()); to++ {
			if state := v.linkState(trace.Addr(from), trace.Addr(to)); from != to && state != "" {
				v.line("  n%d->n%d %s", from, to, state)
			}
		}
	}
	asking := 0
	clients := v.s.play.Clients().Clients()
	for i := range clients {
		if clients[i].Under != nil {
			asking++
		}
	}
	v.line("  %d clients, %d of them with a request under way", v.s.play.Clients().Count(), asking)
}

// absence says why a member does not run.
func (v *view) absence(m *cluster.View) string {
	switch {
	case m.Removed:
		return "removed"
	case m.Incarnation == 0:
		return "announced, never started"
	}
	for _, fault := range []struct {
		is   bool
		name string
	}{
		{v.c.Wiped(m.ID), "its disk was emptied"},
		{v.c.Refusal(m.ID) != nil, fmt.Sprint("it refused to start: ", v.c.Refusal(m.ID))},
	} {
		if fault.is {
			return "down; " + fault.name
		}
	}
	all := v.ailments(m.ID)
	if n := v.c.Disk(m.ID).Unsynced(); n > 0 {
		all = append(all, fmt.Sprintf("its machine has %d bytes that are not synced", n))
	}
	if len(all) == 0 {
		return "down"
	}
	return "down; " + strings.Join(all, ", ")
}

// ailments says what is unusual about a member's disk.
func (v *view) ailments(id uint64) []string {
	d := v.c.Disk(id)
	var all []string
	for _, a := range []struct {
		is   bool
		name string
	}{
		{d.Stalled(), "disk stalled"},
		{d.Full(), "disk full"},
		{d.Lying(), "disk lies"},
		{d.Failing(), "disk fails"},
		{d.Hollow(), "disk lacks what a failed sync was to write"},
		{d.Damaged(), "disk damaged"},
	} {
		if a.is {
			all = append(all, a.name)
		}
	}
	return all
}

// condition says what is unusual about a member that runs.
func (v *view) condition(m *cluster.View) string {
	var all []string
	if m.Leader != 0 && m.Leader != m.ID {
		all = append(all, fmt.Sprintf("follows n%d", m.Leader))
	}
	for _, c := range []struct {
		is   bool
		name string
	}{
		{m.State == cluster.Paused, "paused"},
		{m.Stopping, "stopping"},
		{m.Removed, "removed"},
		{m.Learner, "learner"},
		{!m.Member, "no member yet"},
		{!m.Serving, "not serving yet"},
	} {
		if c.is {
			all = append(all, c.name)
		}
	}
	all = append(all, v.ailments(m.ID)...)
	if clock := v.c.Clock(m.ID); clock.Drift() != 0 || clock.Offset() != 0 {
		all = append(all, fmt.Sprintf("clock drifts by %v, is %v ahead", clock.Drift(), clock.Offset()))
	}
	return strings.Join(all, ", ")
}

func (v *view) member(id uint64, more []string) error {
	if err := none(fmt.Sprintf("look n%d", id), more); err != nil {
		return err
	}
	m := v.c.Member(id)
	if m.State == cluster.Down {
		v.line("n%d  %s; started %d times", id, v.absence(&m), m.Incarnation)
		return nil
	}
	n := v.c.Node(id)
	v.line("n%d  %s of term %d  %s", id, trace.RoleName(m.Role), m.Term, v.condition(&m))
	v.line("  log       entries %d to %d, committed up to %d, applied up to %d", m.FirstIndex, m.LastIndex, m.Commit, m.Applied)
	v.line("  store     revision %d, %d versions, compacted at %d, hash %016x",
		m.Revision, n.Store().Versions(), max(n.Store().CompactRevision(), 0), m.Hash)
	v.line("  watchers  %d, leases %d", n.Watching(), len(n.Store().Leases()))
	v.line("  clock     %d of %d ticks without a leader; start %d", m.ElectionElapsed, m.ElectionTimeout, m.Incarnation)
	for _, p := range n.Peers() {
		if p.ID == id {
			continue
		}
		note := p.State
		if p.Learner {
			note += ", learner"
		}
		if !p.Active {
			note += ", silent"
		}
		v.line("  -> n%-2d    has %d, next is %d, %s", p.ID, p.Match, p.Next, note)
	}
	return nil
}

// up returns whether a member runs, and tells if it does not.
func (v *view) up(id uint64) bool {
	m := v.c.Member(id)
	if m.State == cluster.Down {
		v.line("n%d  %s", id, v.absence(&m))
	}
	return m.State != cluster.Down
}

// entriesShown is how many entries of a log are shown if it is not said.
const entriesShown = 10

func (v *view) log(id uint64, more []string) error {
	n := entriesShown
	if len(more) > 0 {
		var err error
		if n, err = count(fmt.Sprintf("look log n%d", id), more); err != nil {
			return err
		}
	}
	if !v.up(id) {
		return nil
	}
	m := v.c.Member(id)
	first := m.LastIndex + 1 - min(uint64(n), m.LastIndex+1-m.FirstIndex)
	v.line("n%d  entries %d to %d of %d to %d", id, first, m.LastIndex, m.FirstIndex, m.LastIndex)
	v.line("  index  term")
	for _, e := range v.c.Node(id).Entries(first, m.LastIndex) {
		state := "applied"
		switch {
		case e.Index > m.Commit:
			state = "not committed"
		case e.Index > m.Applied:
			state = "committed"
		}
		what := "(empty)"
		if e.Request != nil {
			what = store.Describe(e.Request)
		}
		v.line("  %5d  %4d  %-13s  %s", e.Index, e.Term, state, what)
	}
	return nil
}

func (v *view) store(id uint64, more []string) error {
	req := &store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}
	switch len(more) {
	case 0:
	case 1:
		req.Key, req.RangeEnd = more[0], ""
	case 2:
		req.Key, req.RangeEnd = more[0], more[1]
	default:
		return fmt.Errorf("look store n%d: %q is too much: expected a key, or two", id, more[2])
	}
	if !v.up(id) {
		return nil
	}
	kv := v.c.Node(id).Store()
	res, ok := kv.Read(req).Result.(*store.RangeResult)
	if !ok {
		return nil
	}
	v.line("n%d  revision %d, %d keys", id, kv.Revision(), res.Count)
	for _, kv := range res.KVs {
		lease := ""
		if kv.Lease != 0 {
			lease = fmt.Sprintf(", lease %d", kv.Lease)
		}
		v.line("  %s = %s  (rev %d, version %d since %d%s)",
			store.Text(kv.Key), store.Text(kv.Value), kv.ModRevision, kv.Version, kv.CreateRevision, lease)
	}
	return nil
}

func (v *view) leases(id uint64, more []string) error {
	if err := none(fmt.Sprintf("look leases n%d", id), more); err != nil || !v.up(id) {
		return err
	}
	n := v.c.Node(id)
	all := n.Store().Leases()
	v.line("n%d  %d leases", id, len(all))
	for _, l := range all {
		left := "counted by the leader"
		if d, counted := n.LeaseLeft(l.ID); counted {
			left = d.Round(time.Millisecond).String() + " left"
		}
		keys := ""
		if r, ok := n.Store().Read(&store.LeaseTimeToLiveRequest{ID: l.ID, Keys: true}).Result.(*store.LeaseTimeToLiveResult); ok {
			keys = strings.Join(r.Keys, " ")
		}
		v.line("  %d  granted for %ds, %s  %s", l.ID, l.TTL, left, keys)
	}
	return nil
}

func (v *view) watchers(id uint64, more []string) error {
	if err := none(fmt.Sprintf("look watchers n%d", id), more); err != nil || !v.up(id) {
		return err
	}
	all := v.c.Node(id).Watches()
	v.line("n%d  %d watchers", id, len(all))
	for _, w := range all {
		state := fmt.Sprintf("behind: next is revision %d", w.Next)
		if w.Synced {
			state = "up to date"
		}
		v.line("  %v  watcher %d of %s, %s", w.Client, w.ID, keyRange(w.Key, w.RangeEnd), state)
	}
	return nil
}

func (v *view) disk(id uint64, more []string) error {
	if err := none(fmt.Sprintf("look disk n%d", id), more); err != nil {
		return err
	}
	d := v.c.Disk(id)
	state := "disk well"
	if all := v.ailments(id); len(all) > 0 {
		state = strings.Join(all, ", ")
	}
	v.line("n%d  %s; %d bytes in use, %d syncs under way", id, state, d.Used(), d.Syncing())
	for _, name := range d.List() {
		f, err := d.Open(name)
		if err != nil {
			v.line("  %v", err)
			continue
		}
		v.line("  %-28s %8d bytes, %d of them durable", name, f.Size(), f.Durable())
	}
	return nil
}

// address reads the name of an endpoint: n1, c0.
func (v *view) address(name string) (trace.Addr, error) {
	if digits, ok := strings.CutPrefix(name, "c"); ok {
		if i, err := strconv.Atoi(digits); err == nil && i >= 0 && i < v.s.play.Clients().Count() {
			return trace.Client(i), nil
		}
		return 0, fmt.Errorf("look %s: there are %d clients: expected c0 or another", name, v.s.play.Clients().Count())
	}
	ids, err := v.members(name)
	if err != nil {
		return 0, err
	}
	if len(ids) != 1 {
		return 0, fmt.Errorf("look %s: expected one member", name)
	}
	return trace.Addr(ids[0]), nil
}

// linkState says what is unusual about a link, or nothing.
func (v *view) linkState(from, to trace.Addr) string {
	n := v.c.Network()
	switch {
	case n.IsCut(from, to):
		return "cut"
	case n.IsHeld(from, to):
		return fmt.Sprintf("held, %d packets wait", n.Waiting(from, to))
	}
	return ""
}

func (v *view) link(from, to string) error {
	a, err := v.address(from)
	if err != nil {
		return err
	}
	b, err := v.address(to)
	if err != nil {
		return err
	}
	for _, way := range [][2]trace.Addr{{a, b}, {b, a}} {
		state := v.linkState(way[0], way[1])
		if state == "" {
			state = "open"
		}
		config := v.c.Network().LinkConfig(way[0], way[1])
		v.line("%v->%v  %s; %s", way[0], way[1], state, config)
	}
	onIt := func(e *trace.Event) bool {
		return e.Member == a && e.Peer == b || e.Member == b && e.Peer == a
	}
	var newest []trace.Event
	for i := len(v.s.events) - 1; i >= 0 && len(newest) < entriesShown; i-- {
		if onIt(&v.s.events[i]) {
			newest = append(newest, v.s.events[i])
		}
	}
	slices.Reverse(newest)
	for i := range newest {
		v.line("  %s", report.Event(&newest[i]))
	}
	return nil
}

func (v *view) clients() {
	all := v.s.play.Clients().Clients()
	v.line("%d clients", v.s.play.Clients().Count())
	for i := range all {
		c := &all[i]
		name := fmt.Sprintf("c%d", c.Index)
		switch {
		case c.Ended:
			v.line("  %-4s %-8s has ended", name, c.Load)
		case c.Under != nil:
			v.line("  %-4s %-8s asks n%d since %s: %s", name, c.Load, c.Under.Member, c.Under.Invoke, store.Describe(c.Under.Request))
		default:
			v.line("  %-4s %-8s pauses, connected to n%d", name, c.Load, c.Member)
		}
	}
	for _, w := range v.s.play.Clients().Watches() {
		keys := keyRange(w.Request.Key, w.Request.RangeEnd)
		if len(w.Answers) == 0 {
			v.line("  %-4s %-8s watches %s, and was told nothing yet", fmt.Sprintf("c%d", w.Client), w.Load, keys)
			continue
		}
		events := 0
		for i := range w.Answers {
			events += len(w.Answers[i].Response.Events)
		}
		last := &w.Answers[len(w.Answers)-1]
		v.line("  %-4s %-8s watches %s, was told of %d events, last by n%d at %s up to rev %d",
			fmt.Sprintf("c%d", w.Client), w.Load, keys, events, last.Member, last.At, last.Response.Revision)
	}
}

// keyRange prints what a watcher watches.
func keyRange(key, end string) string {
	switch {
	case end == "":
		return store.Text(key)
	case end == "\x00" && key <= "\x00":
		return "everything"
	case end == "\x00":
		return store.Text(key) + " and all after it"
	}
	return store.Text(key) + " up to " + store.Text(end)
}
