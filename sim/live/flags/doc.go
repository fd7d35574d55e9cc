// Package flags gives etcd's own settings, by the names that they have as etcd's flags
// and in its configuration file, their meaning for a universe that is served. A setting
// that describes one etcd process counts for each member.
//
// Many of etcd's settings are about what a simulation does not have: folders, peers on
// a real network, log files. Those that only tune it are accepted and change nothing;
// those that ask for something else than would happen are refused. Either way there is
// a reason to be told.
package flags
