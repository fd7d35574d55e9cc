package universe

import "strings"

// Faults that stories use most. Each is the statement of the same name; Do takes all
// others.

func names(members []Member) string {
	words := make([]string, len(members))
	for i, m := range members {
		words[i] = m.String()
	}
	return strings.Join(words, " ")
}

// Kill lets members die at once; what their disks had not synced may be lost.
func (u *Universe) Kill(members ...Member) { u.Do("kill %s", names(members)) }

// KillProcess lets the processes of members die at once, while their machines go on: what
// they wrote is there, though perhaps not durable.
func (u *Universe) KillProcess(members ...Member) { u.Do("kill %s machine=up", names(members)) }

// Stop stops members gracefully.
func (u *Universe) Stop(members ...Member) { u.Do("stop %s", names(members)) }

// Restart starts members from what their disks hold; running ones are stopped first.
func (u *Universe) Restart(members ...Member) { u.Do("restart %s", names(members)) }

// Pause stops members in their tracks; their clocks go on.
func (u *Universe) Pause(members ...Member) { u.Do("pause %s", names(members)) }

// Resume lets paused members run again.
func (u *Universe) Resume(members ...Member) { u.Do("resume %s", names(members)) }

// Stall stalls the disks of members, Unstall lets them go on.
func (u *Universe) Stall(members ...Member) { u.Do("stall %s", names(members)) }

// Unstall lets stalled disks go on.
func (u *Universe) Unstall(members ...Member) { u.Do("unstall %s", names(members)) }

// Partition cuts every link between members of different groups; clients still reach
// all members. One group is cut from all others.
func (u *Universe) Partition(groups ...[]Member) {
	sides := make([]string, len(groups))
	for i, g := range groups {
		sides[i] = names(g)
	}
	if len(groups) == 1 {
		sides = append(sides, "rest")
	}
	u.Do("partition %s", strings.Join(sides, " | "))
}

// Isolate cuts every link of members, to the other members and to the clients.
func (u *Universe) Isolate(members ...Member) { u.Do("isolate %s", names(members)) }

// Cut cuts the links from one member to others, one way.
func (u *Universe) Cut(from Member, to ...Member) { u.Do("cut %v -> %s", from, names(to)) }

// Heal mends all cut links.
func (u *Universe) Heal() { u.Do("heal") }
