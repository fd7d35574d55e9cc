package node

// The tokens of the member's timers.
const (
	tokenForward Token = 1 + iota // ask the leader again
)

// alarm takes the ringing of a timer.
func (n *Node) alarm(t Token) {
	switch t {
	case tokenForward:
		n.retryForwarded()
	}
}
