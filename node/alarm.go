package node

import "time"

// The tokens of the member's timers.
const (
	tokenForward       Token = 1 + iota // ask the leader again
	tokenWatchSync                      // serve watchers that are behind
	tokenWatchRetry                     // try again to serve victims
	tokenWatchLeader                    // see whether there is a leader
	tokenWatchProgress                  // notify a stream of progress; its Op follows
	tokenCompact                        // see whether to compact
	tokenLeases                         // look for leases that expired
	tokenBatch                          // hand what was applied to the disk
	tokenRewrite                        // the member has defragmented
	tokenOlder                          // look for nodes of the older store that expired
)

// tokenBits is the part of a token that says what the timer is for. The rest says
// for whom.
const tokenBits = 8

// setTimer asks for an alarm after some time.
func (n *Node) setTimer(after time.Duration, t Token) {
	n.out.Timers = append(n.out.Timers, Timer{After: after, Token: t})
}

// alarm takes the ringing of a timer.
func (n *Node) alarm(t Token) {
	switch t & (1<<tokenBits - 1) {
	case tokenForward:
		n.retryForwarded()
	case tokenLeases:
		n.lookAtLeases()
	case tokenBatch:
		n.batchTime()
	case tokenOlder:
		n.expireOlder()
	case tokenRewrite:
		n.rewritten()
	case tokenWatchSync:
		n.syncWatchers()
	case tokenWatchRetry:
		n.retryWatchers()
	case tokenWatchLeader:
		n.checkLeader()
	case tokenCompact:
		n.lookWhetherToCompact()
	case tokenWatchProgress:
		n.notifyProgress(uint64(t >> tokenBits))
	}
}
