package vitals

import (
	"fmt"
	"io"
	"net/http"

	"etcdsim/sim/cluster"
	"etcdsim/store"
)

// gauge is one value of a member.
type gauge struct {
	name, help, kind string
	read             func(c *cluster.Cluster, id uint64) int64
}

const (
	aGauge   = "gauge"
	aCounter = "counter"
)

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// gauges are read off the member. A member that is down is never asked.
var gauges = []gauge{
	{
		"etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return flag(c.Member(id).Leader != 0) },
	},
	{
		"etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return flag(c.Member(id).Leader == id) },
	},
	{
		"etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return flag(c.Member(id).Learner) },
	},
	{
		"etcd_server_proposals_committed_total", "The total number of consensus proposals committed.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return int64(c.Member(id).Commit) },
	},
	{
		"etcd_server_proposals_applied_total", "The total number of consensus proposals applied.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return int64(c.Member(id).Applied) },
	},
	{
		"etcd_mvcc_db_total_size_in_bytes", "Total size of the underlying database physically allocated in bytes.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return c.Node(id).Store().Size() },
	},
	{
		"etcd_mvcc_db_total_size_in_use_in_bytes", "Total size of the underlying database logically in use in bytes.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return c.Node(id).Store().SizeInUse() },
	},
	{
		"etcd_debugging_mvcc_current_revision", "The current revision of store.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return c.Node(id).Store().Revision() },
	},
	{
		"etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return c.Node(id).Store().CompactRevision() },
	},
	{
		"etcd_debugging_mvcc_watcher_total", "Total number of watchers.", aGauge,
		func(c *cluster.Cluster, id uint64) int64 { return int64(c.Node(id).Watching()) },
	},
	{
		"etcdsim_incarnation", "How often the member has started.", aCounter,
		func(c *cluster.Cluster, id uint64) int64 { return int64(c.Member(id).Incarnation) },
	},
}

// metrics serves /metrics.
func (m Member) metrics(w http.ResponseWriter, r *http.Request) {
	values := make([]int64, len(gauges))
	err := m.Driver.Inspect(r.Context(), func(c *cluster.Cluster) {
		if c.Node(m.ID) == nil {
			return
		}
		for i, g := range gauges {
			values[i] = g.read(c, m.ID)
		}
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for i, g := range gauges {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", g.name, g.help, g.name, g.kind, g.name, values[i])
	}
	m.identity(w)
	m.Counters.write(w)
}

func (m Member) identity(w io.Writer) {
	fmt.Fprintf(w, "# HELP etcd_server_version Which version is running. 1 for 'server_version' label with current version.\n"+
		"# TYPE etcd_server_version gauge\netcd_server_version{server_version=%q} 1\n", store.ServerVersion)
	fmt.Fprintf(w, "# HELP etcd_server_id Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.\n"+
		"# TYPE etcd_server_id gauge\netcd_server_id{server_id=\"%x\"} 1\n", m.ID)
}
