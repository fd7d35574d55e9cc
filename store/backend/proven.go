package backend

import (
	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// Proven returns the part of the newest file in which recovery notices any damage and
// refuses the backend: where later records bear witness that the place had been
// durable. Behind that, damage looks like a torn write. Older files are not read if
// the newest one is sound, and are left out.
func Proven(d *disk.Disk) []disk.Extent {
	sources, err := load(d)
	if err != nil {
		return nil
	}
	start := position(sources[0].generation)
	high := min(record.Proven(sources[0].data, start, lastKind)-start, int64(len(sources[0].data)))
	if high == 0 {
		return nil
	}
	return []disk.Extent{{File: sources[0].file.Name(), High: high}}
}
