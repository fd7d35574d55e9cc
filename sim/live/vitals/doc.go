// Package vitals tells how a member is, at the paths at which etcd does: /version,
// /health, /livez, /readyz and /metrics. Metrics have etcd's names, and there are
// those that a simulation can tell; times that calls take are not among them.
package vitals
