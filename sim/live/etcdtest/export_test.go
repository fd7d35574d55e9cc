package etcdtest

import (
	"io"

	"etcdsim/scenarios"
	"etcdsim/sim/live/host"
)

// End ends the cluster, replays what was recorded and returns what the judges say.
func (c *Cluster) End() (*scenarios.Result, error) {
	c.closeClients()
	if err := c.host.Close(); err != nil {
		return nil, err
	}
	if _, err := c.rec.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	_, result, err := host.Replay(c.rec, nil)
	return result, err
}
