// Command stoker-cluster starts a Kubernetes cluster on this machine without
// containers, and tells afterwards what its clients asked of it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

var commands = map[string]func(args []string) error{
	"up":        up,
	"down":      down,
	"apiserver": apiServer,
	"summary":   summary,
	"node":      runNode,
	"init-pod":  initPod,
}

const usage = `usage: stoker-cluster COMMAND [FLAG...]

  up         start a cluster and keep it until SIGTERM (or --detach)
  down       stop a detached cluster
  apiserver  stop or start the API server of a running cluster: an outage
  summary    print what an audit log recorded, as JSON
  node       run a process node against any cluster (up does so itself)

stoker-cluster COMMAND --help lists the flags.
`

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	err := commands[os.Args[1]](os.Args[2:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "stoker-cluster %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
