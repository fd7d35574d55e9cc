package main

import (
	"os"

	"github.com/urfave/cli/v2"
	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
)

// etcdctlCommand is the genuine etcdctl, so that one binary is all it takes to try
// a cluster that is served.
func etcdctlCommand() *cli.Command {
	return &cli.Command{
		Name:      "etcdctl",
		Usage:     "the genuine etcdctl, linked in: etcdctl put key value",
		ArgsUsage: "[OPTIONS] COMMAND",
		// Everything that follows is etcdctl's, --help too. It writes to the process's
		// own streams and ends the process with its own codes.
		SkipFlagParsing: true,
		HideHelp:        true,
		Action: func(c *cli.Context) error {
			os.Args = append([]string{"etcdctl"}, c.Args().Slice()...)
			ctlv3.MustStart()
			return nil
		},
	}
}
