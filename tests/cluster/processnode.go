package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"stoker.local/tests/cluster/controlplane"
	"stoker.local/tests/cluster/node"
	"stoker.local/tests/cluster/proc"
	"stoker.local/tests/cluster/sandbox"
)

// startProcessNodes starts this program again once per node, so that a node
// can be killed, and its log read, by itself.
func startProcessNodes(o *upOptions, cp *controlplane.ControlPlane) error {
	for i := range o.processNodes {
		name := fmt.Sprintf("process-%d", i)
		kubeconfig, cert, key, err := cp.NodeIdentity(name)
		if err != nil {
			return err
		}
		child, err := proc.Run(filepath.Join(o.dir, "logs"), name, "/proc/self/exe", "node",
			"--kubeconfig="+kubeconfig, "--name="+name, "--dir="+o.dir, "--images="+o.images,
			"--cert="+cert, "--key="+key)
		if err != nil {
			return err
		}
		cp.Adopt(child)
	}
	return nil
}

func runNode(args []string) error {
	var options node.Options
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the node's credentials (required)")
	flags.StringVar(&options.Name, "name", "", "name of the node (required)")
	flags.StringVar(&options.Dir, "dir", "", "folder for pods and their logs (required)")
	flags.StringVar(&options.Images, "images", "", "JSON file that maps image names to local folders (default DIR/images.json)")
	flags.StringVar(&options.CertFile, "cert", "", "serving certificate for kubectl logs (not served without)")
	flags.StringVar(&options.KeyFile, "key", "", "key of --cert")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *kubeconfig == "" || options.Name == "" || options.Dir == "" {
		return errors.New("--kubeconfig, --name and --dir are required")
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return err
	}
	options.Dir = dir
	if options.Images == "" {
		options.Images = filepath.Join(dir, "images.json")
	}
	options.LogReader = controlplane.KubeletClient
	options.Labels = map[string]string{controlplane.NodeKindLabel: "process"}
	config, err := loadConfig(*kubeconfig)
	if err != nil {
		return err
	}
	config.UserAgent = "stoker-process-node"
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	return node.Run(ctx, config, options)
}

// initPod is the first process of a container; see the package sandbox.
func initPod(args []string) error {
	if len(args) != 1 || os.Getpid() != 1 {
		return errors.New("is run by process nodes only")
	}
	return sandbox.Init(args[0])
}
