package wal

import (
	"strconv"
	"strings"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// Proven returns the parts of the log's files in which recovery notices any damage and
// refuses the log: where later records bear witness that the place had been durable.
// Behind that, damage looks like a torn write. Who is not durable may not live to bear
// witness.
func Proven(d *disk.Disk) []disk.Extent {
	var all []disk.Extent
	var proven int64
	for _, name := range d.List() { // sorted, and so are the positions
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		base, err := strconv.ParseInt(digits, 16, 64)
		file, missing := d.Open(name)
		if !ok || err != nil || missing != nil {
			continue
		}
		all = append(all, disk.Extent{File: name, Low: base, High: base + file.Size()})
		proven = max(proven, record.Proven(file.Read()[:file.Durable()], base, lastKind))
	}
	sound := all[:0]
	for _, e := range all {
		if high := min(e.High, proven); high > e.Low {
			sound = append(sound, disk.Extent{File: e.File, High: high - e.Low})
		}
	}
	return sound
}
