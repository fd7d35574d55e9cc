package v2store

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Store is the tree with its history, watchers and statistics: one member's
// copy. It is not for concurrent use. Make one with [New], [Restore] or
// [Store.Clone].
type Store struct {
	root *inode
	// index is that of the last write; 0 at first.
	index   uint64
	expiry  expiryHeap
	history history
	hub     hub
	stats   Stats
}

// New returns an empty store.
func New() *Store { return &Store{root: newRoot()} }

// Index returns the index of the last write; 0 if there was none.
func (s *Store) Index() uint64 { return s.index }

// NextExpiration returns when the next node is due to expire; false if all
// nodes are permanent.
func (s *Store) NextExpiration() (Time, bool) {
	if len(s.expiry) == 0 {
		return 0, false
	}
	return s.expiry[0].expire, true
}

// Result is the outcome of a command or of a read: Event, or Err.
type Result struct {
	// Event is what happened, or what was read; nil after an error or a Sync.
	Event *Event
	Err   *Error
	// Index is the store's index after it.
	Index uint64
	// Expired is what a Sync expired, in order.
	Expired []*Event
}

// Apply executes a command of the log. Commands that fail change nothing but
// the statistics. It panics if the command has no valid method, which
// [DecodeCommand] never returns.
func (s *Store) Apply(c Command) Result {
	p := clean(c.Path)
	var e *Event
	var err *Error
	switch c.Method {
	case MethodPost:
		e, err = s.create(&c, clean(p+"/"+serial(s.index+1)))
	case MethodPut:
		switch compares := c.PrevIndex != 0 || c.PrevValue != ""; {
		case c.PrevExist == ExistNo:
			e, err = s.create(&c, p)
		case compares:
			e, err = s.compareAndSwap(&c, p)
		case c.PrevExist == ExistYes:
			e, err = s.update(&c, p)
		default:
			e, err = s.set(&c, p)
		}
	case MethodDelete:
		if c.PrevIndex != 0 || c.PrevValue != "" {
			e, err = s.compareAndDelete(&c, p)
		} else {
			e, err = s.delete(&c, p)
		}
	case MethodQGet:
		return s.Get(p, c.Recursive, c.Time)
	case MethodSync:
		return Result{Expired: s.expire(c.Time), Index: s.index}
	default:
		panic(fmt.Sprintf("v2store: Apply of a command with %v", c.Method))
	}
	return Result{Event: e, Err: err, Index: s.index}
}

// Get reads a node and the visible children of a directory; recursive reads all
// that is visible below it. now is what remaining TTLs are counted from. The
// read is of this member's state, which may be behind.
func (s *Store) Get(p string, recursive bool, now Time) Result {
	n, err := s.lookup(clean(p))
	s.stats.Gets.count(err == nil)
	if err != nil {
		return Result{Err: err, Index: s.index}
	}
	levels := 1
	if recursive {
		levels = -1
	}
	e := &Event{Action: ActionGet, Node: new(Node)}
	n.show(e.Node, levels, now)
	return Result{Event: e, Index: s.index}
}

func (s *Store) create(c *Command, p string) (*Event, *Error) {
	e, err := s.plant(c, p, ActionCreate, c.Value)
	s.stats.Creates.count(err == nil)
	if err != nil {
		if err.Code == NotDirectory {
			s.stats.Sets.Fail++ // as etcd does: it counts this failure twice
		}
		return nil, err
	}
	s.publish(e)
	return e, nil
}

func (s *Store) set(c *Command, p string) (*Event, *Error) {
	e, err := s.setOrRefresh(c, p)
	s.stats.Sets.count(err == nil)
	return e, err
}

func (s *Store) setOrRefresh(c *Command, p string) (*Event, *Error) {
	value := c.Value
	n, err := s.lookup(p)
	switch {
	case err == nil && c.Refresh:
		value = n.value
	case err != nil && (c.Refresh || err.Code != KeyNotFound):
		return nil, err
	}
	e, err := s.plant(c, p, ActionSet, value)
	if err != nil {
		return nil, err
	}
	s.publish(e)
	return e, nil
}

// plant makes a new node at p. A set replaces the file that is there; a create
// does not.
func (s *Store) plant(c *Command, p string, action Action, value string) (*Event, *Error) {
	if p == "/" {
		return nil, s.fail(RootReadOnly, "/")
	}
	parent, err := s.makeParents(p)
	if err != nil {
		return nil, err
	}
	name := p[strings.LastIndexByte(p, '/')+1:]
	at, exists := parent.find(name)
	if exists && action == ActionCreate {
		return nil, s.fail(KeyExists, p)
	}
	if exists && parent.children[at].dir {
		return nil, s.fail(NotFile, p)
	}

	next := s.index + 1
	n := &inode{path: p, name: name, parent: parent, dir: c.Dir, created: next, modified: next, slot: -1}
	if !c.Dir {
		n.value = value
	}
	if c.Expiration >= Epoch {
		n.expire = c.Expiration
	}
	var e *Event
	if exists {
		old := parent.children[at]
		e = newEvent(action, old, next, c.Time)
		s.expiry.remove(old)
		parent.children[at] = n
	} else {
		e = newEvent(action, nil, next, c.Time)
		parent.attach(at, n)
	}
	s.expiry.add(n)
	n.show(e.Node, 0, c.Time)
	s.index = next
	return s.mark(e, c), nil
}

func (s *Store) update(c *Command, p string) (*Event, *Error) {
	if p == "/" {
		s.stats.Updates.Success++ // as etcd does
		return nil, s.fail(RootReadOnly, "/")
	}
	n, err := s.lookup(p)
	if err != nil {
		s.stats.Updates.Fail++
		return nil, err
	}
	s.stats.Updates.Success++ // also for the following failure, as etcd does
	if n.dir && c.Value != "" {
		return nil, s.fail(NotFile, p)
	}
	return s.overwrite(c, n, ActionUpdate), nil
}

func (s *Store) compareAndSwap(c *Command, p string) (*Event, *Error) {
	if p == "/" {
		s.stats.CompareAndSwaps.Success++ // as etcd does
		return nil, s.fail(RootReadOnly, "/")
	}
	n, err := s.compare(c, p)
	s.stats.CompareAndSwaps.count(err == nil)
	if err != nil {
		return nil, err
	}
	return s.overwrite(c, n, ActionCompareAndSwap), nil
}

// overwrite gives a file another value, and a node another expiration. The
// creation index stays. A directory shows the index in the event but, as etcd
// does, does not remember it as its own.
func (s *Store) overwrite(c *Command, n *inode, action Action) *Event {
	s.index++
	e := newEvent(action, n, s.index, c.Time)
	if !n.dir {
		n.modified = s.index
		if !c.Refresh {
			n.value = c.Value
		}
	}
	s.expiry.change(n, c.Expiration)
	n.show(e.Node, 0, c.Time)
	e.Node.Modified = s.index
	return s.publish(s.mark(e, c))
}

func (s *Store) delete(c *Command, p string) (*Event, *Error) {
	if p == "/" {
		s.stats.Deletes.Success++ // as etcd does
		return nil, s.fail(RootReadOnly, "/")
	}
	n, err := s.lookup(p)
	switch {
	case err != nil:
	case n.dir && !c.Dir && !c.Recursive:
		err = s.fail(NotFile, p)
	case len(n.children) > 0 && !c.Recursive:
		err = s.fail(DirectoryNotEmpty, p)
	}
	s.stats.Deletes.count(err == nil)
	if err != nil {
		return nil, err
	}
	return s.remove(n, ActionDelete, c.Time), nil
}

func (s *Store) compareAndDelete(c *Command, p string) (*Event, *Error) {
	n, err := s.compare(c, p)
	// As etcd does: only a missing node counts as a failure.
	s.stats.CompareAndDeletes.count(err == nil || err.Code != KeyNotFound && err.Code != NotDirectory)
	if err != nil {
		if p == "/" {
			err.Cause = ""
		}
		return nil, err
	}
	return s.remove(n, ActionCompareAndDelete, c.Time), nil
}

// compare returns the file at p if the command's conditions hold for it.
func (s *Store) compare(c *Command, p string) (*inode, *Error) {
	n, err := s.lookup(p)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, s.fail(NotFile, p)
	}
	sameValue := c.PrevValue == "" || c.PrevValue == n.value
	sameIndex := c.PrevIndex == 0 || c.PrevIndex == n.modified
	if sameValue && sameIndex {
		return n, nil
	}
	// The cause names what differs, and both if nothing agrees.
	var causes []string
	if !sameValue {
		causes = append(causes, "["+c.PrevValue+" != "+n.value+"]")
	}
	if !sameIndex {
		causes = append(causes, fmt.Sprintf("[%d != %d]", c.PrevIndex, n.modified))
	}
	return nil, s.fail(CompareFailed, strings.Join(causes, " "))
}

// expire removes every node that is due at cutoff, earliest first. A directory
// takes what is in it along, in one event.
func (s *Store) expire(cutoff Time) []*Event {
	var expired []*Event
	for len(s.expiry) > 0 && s.expiry[0].expire <= cutoff {
		expired = append(expired, s.remove(s.expiry.pop(), ActionExpire, cutoff))
		s.stats.Expired++
	}
	return expired
}

// remove takes a node, and all below it, out of the tree.
func (s *Store) remove(n *inode, action Action, now Time) *Event {
	s.index++
	e := newEvent(action, n, s.index, now)
	*e.Node = Node{Key: n.path, Dir: n.dir, Created: n.created, Modified: s.index}
	n.detach()
	s.bury(n, e)
	return s.publish(e)
}

// bury takes a removed node and all below it out of the heap and tells those who
// watch exactly there, children first. Those who watch above hear of the event
// when it is published.
func (s *Store) bury(n *inode, e *Event) {
	for _, c := range n.children {
		s.bury(c, e)
	}
	s.hub.tell(e, n.path, true)
	s.expiry.remove(n)
}

// publish records the event and tells the watchers, unless it is a refresh.
func (s *Store) publish(e *Event) *Event {
	s.history.add(e)
	if !e.Refresh {
		s.hub.publish(e)
	}
	return e
}

// mark notes on the event that its command was a refresh. A create ignores the
// flag.
func (s *Store) mark(e *Event, c *Command) *Event {
	e.Refresh = c.Refresh && e.Action != ActionCreate
	return e
}

func (s *Store) fail(code Code, cause string) *Error {
	return &Error{Code: code, Cause: cause, Index: s.index}
}

// newEvent returns an event at an index with its node still to be described,
// and shows the node as it was, if there was one.
func newEvent(action Action, prev *inode, index uint64, now Time) *Event {
	// One allocation for all that is usually needed.
	x := &struct {
		Event
		node, prev Node
	}{Event: Event{Action: action}}
	x.Node = &x.node
	x.node.Modified = index
	if prev != nil {
		x.PrevNode = &x.prev
		prev.show(x.PrevNode, 0, now)
	}
	return &x.Event
}

// clean returns the absolute path of a key as the tree knows it.
func clean(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return path.Clean(p)
}

// serial is the name of the node that a POST makes: the index, as wide as the
// widest, so that names sort as indexes do.
func serial(index uint64) string {
	const width = 20
	digits := strconv.FormatUint(index, 10)
	return "00000000000000000000"[:width-len(digits)] + digits
}
