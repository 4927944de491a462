package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
)

// What tells a running instance that its API server is to end, and to come
// back.
const (
	outageBegins = syscall.SIGUSR1
	outageEnds   = syscall.SIGUSR2
)

// apiServer ends the API server of a running instance as a crash would, or
// starts it again. It returns once that shows.
func apiServer(args []string) error {
	const usage = "say `stoker-cluster apiserver stop --dir DIR`, or start"
	if len(args) == 0 {
		return errors.New(usage)
	}
	signals := map[string]syscall.Signal{"stop": outageBegins, "start": outageEnds}
	which, known := signals[args[0]]
	if !known {
		return fmt.Errorf("unknown argument %q; %s", args[0], usage)
	}
	flags := flag.NewFlagSet("apiserver", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of the instance (required)")
	timeout := flags.Duration("timeout", time.Minute, "longest time to wait")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("--dir is required: name the folder given to `stoker-cluster up`")
	}
	file, err := os.Open(filepath.Join(*dir, "pid"))
	if err != nil {
		return fmt.Errorf("%w; no instance runs there", err)
	}
	defer file.Close()
	pid, err := holder(file)
	if err != nil {
		return err
	}
	config, err := loadConfig(filepath.Join(*dir, "kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, which); err != nil {
		return fmt.Errorf("signalling process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	for {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("process %d did not %s its API server within %s: %w", pid, args[0], *timeout, err)
		}
		if which == outageBegins && errors.Is(err, syscall.ECONNREFUSED) || which == outageEnds && err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}
