// Package judged is broken by the tests of mutants.
package judged

type kind uint8

const (
	put kind = iota
	get
	del
)

// late counts what came after its time, and returns by how much at most.
func late(due int, came []int) (n, most int) {
	for _, at := range came {
		if at > due && at != 0 {
			n++
			most = max(most, at-due)
		}
	}
	return n, most
}

func writes(k kind) bool {
	switch k {
	case put, del:
		return true
	}
	return false
}

func steps(n int) (done int) {
	for n > 0 {
		n--
		done++
	}
	return done
}

func unasked(a, b bool) bool { return a || !b }
