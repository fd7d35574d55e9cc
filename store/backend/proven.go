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
	newest := sources[0]
	start := position(newest.generation)
	durable := newest.file.Durable() // who is not may not live to bear witness
	high := min(record.Proven(newest.data[:durable], start, lastKind)-start, durable)
	if high == 0 {
		return nil
	}
	return []disk.Extent{{File: newest.file.Name(), High: high}}
}
