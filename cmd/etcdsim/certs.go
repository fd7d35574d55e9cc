package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"etcdsim/sim/live/pki"
)

func certsCommand() *cli.Command {
	return &cli.Command{
		Name:      "certs",
		Usage:     "make certificates to try TLS with: of the members, and of users",
		ArgsUsage: "FOLDER [USER]...",
		Description: "Writes ca.crt, server.crt and server.key, and USER.crt and USER.key for each user, whose name\n" +
			"is the certificate's common name. They are for this machine and good for a year.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "host", Usage: "another `NAME` or address by which members are reached; repeatable"},
			&cli.StringSliceFlag{Name: "revoke", Usage: "list the certificate of `USER` in revoked.crl; repeatable"},
		},
		Action: certsAction,
	}
}

func certsAction(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("certs: expected a folder")
	}
	dir, users, revoked := c.Args().First(), c.Args().Tail(), c.StringSlice("revoke")
	for _, u := range append(slices.Clone(users), revoked...) {
		if u == "" || u != filepath.Base(u) || u == "ca" || u == "server" {
			return usage("certs: %q: expected the name of a user, other than ca and server, that can be one of a file", u)
		}
	}
	for _, u := range revoked {
		if !slices.Contains(users, u) {
			return usage("certs: --revoke %s: expected one of the users", u)
		}
	}
	if err := writeCerts(dir, append([]string{"localhost", "127.0.0.1", "::1"}, c.StringSlice("host")...), users, revoked); err != nil {
		return unwritten("the certificates", err)
	}
	fmt.Fprintf(c.App.Writer, "trust    %s\nserve    etcdsim serve --cert-file %s --key-file %s\n",
		filepath.Join(dir, "ca.crt"), filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	return nil
}

// writeCerts makes an authority and writes what it certifies. Nobody can use its key
// again, which is kept nowhere.
func writeCerts(dir string, hosts, users, revoked []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	a, err := pki.NewAuthority()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), a.Cert, 0o644); err != nil { //nolint:gosec // certificates are public
		return err
	}
	server, err := a.Server(hosts...)
	if err != nil {
		return err
	}
	if err := server.Write(dir, "server"); err != nil {
		return err
	}
	var out []pki.Pair
	for _, u := range users {
		p, err := a.Client(u)
		if err != nil {
			return err
		}
		if err := p.Write(dir, u); err != nil {
			return err
		}
		if slices.Contains(revoked, u) {
			out = append(out, p)
		}
	}
	crl, err := a.Revoke(out...)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "revoked.crl"), crl, 0o644) //nolint:gosec // certificates are public
}
