package etcdtest

import (
	"os"

	"etcdsim/scenarios"
)

// End ends the cluster, replays what was recorded and returns what the judges say.
func (c *Cluster) End() (*scenarios.Result, error) {
	c.closeClients()
	if err := c.host.Close(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(c.rec.Name())
	if err != nil {
		return nil, err
	}
	return scenarios.Replay(c.rec.Name(), string(text))
}
