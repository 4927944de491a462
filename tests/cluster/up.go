package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"stoker.local/tests/cluster/controlplane"
	"stoker.local/tests/cluster/proc"
	"stoker.local/tests/cluster/setup"
)

type upOptions struct {
	dir, namespace, binDir, images string
	kwokNodes, processNodes        int
	detach, dieWithParent          bool
	timeout                        time.Duration
	apiServerArgs                  []string
}

func parseUp(args []string) (*upOptions, error) {
	o := &upOptions{}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "folder for everything the instance writes (required)")
	flags.StringVar(&o.namespace, "namespace", "spark", "namespace of drivers and executors")
	flags.IntVar(&o.kwokNodes, "kwok-nodes", 0, "number of simulated nodes (label stoker.io/node-kind=kwok)")
	flags.IntVar(&o.processNodes, "process-nodes", 0, "number of nodes that run pods as processes (label stoker.io/node-kind=process)")
	flags.StringVar(&o.images, "images", "", "JSON file that maps image names to local folders (default DIR/images.json, may be written later)")
	flags.BoolVar(&o.detach, "detach", false, "return once ready; end it with stoker-cluster down --dir DIR")
	flags.BoolVar(&o.dieWithParent, "die-with-parent", false, "stop when the process that started this one ends")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "longest time to wait until ready")
	flags.StringVar(&o.binDir, "bin-dir", filepath.Dir(self), "folder of stoker-k8s")
	flags.Func("apiserver-arg", "further argument for the API server, may be repeated", func(arg string) error {
		o.apiServerArgs = append(o.apiServerArgs, arg)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.dir == "" {
		return nil, errors.New("--dir is required: name a folder for the instance's files")
	}
	// The children's working folder need not be this one's.
	for _, path := range []*string{&o.dir, &o.binDir, &o.images} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return nil, err
			}
		}
	}
	if o.images == "" {
		o.images = filepath.Join(o.dir, "images.json")
	}
	return o, os.MkdirAll(o.dir, 0o755)
}

// userKubeconfig is the cluster that the user wants to be used, if any.
func userKubeconfig() string {
	if file := os.Getenv("STOKER_TEST_KUBECONFIG"); file != "" {
		return file
	}
	return os.Getenv("KUBECONFIG")
}

func up(args []string) error {
	o, err := parseUp(args)
	if err != nil {
		return err
	}
	if o.detach {
		return detach(o, args)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	if o.dieWithParent {
		gone, err := proc.WatchParent()
		if err != nil {
			return err
		}
		go func() {
			<-gone
			cancel()
		}()
	}
	unlock, err := lock(o.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if file := userKubeconfig(); file != "" {
		return useCluster(ctx, o, file)
	}
	return startCluster(ctx, o)
}

// startCluster runs an instance until the context ends or a program fails.
func startCluster(ctx context.Context, o *upOptions) error {
	program := filepath.Join(o.binDir, "stoker-k8s")
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("%w; build it with tests/cluster/build.sh, or name its folder with --bin-dir", err)
	}
	// What an earlier instance left would mislead this one's readers.
	if err := removeInstance(o.dir); err != nil {
		return err
	}
	for _, left := range []string{"logs", "audit.log", "pods-logs"} {
		if err := os.RemoveAll(filepath.Join(o.dir, left)); err != nil {
			return err
		}
	}
	defer removeInstance(o.dir)

	begun := time.Now()
	cp, err := controlplane.Start(controlplane.Options{
		Dir: o.dir, Program: program, Assets: os.Getenv("KUBEBUILDER_ASSETS"), APIServerArgs: o.apiServerArgs,
	})
	if err != nil {
		return err
	}
	defer cp.Stop()
	kubeconfig := filepath.Join(o.dir, "kubeconfig")
	if err := cp.AdminKubeconfig(kubeconfig, o.namespace); err != nil {
		return err
	}
	config, err := loadConfig(kubeconfig)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := cp.WaitReady(starting, config); err != nil {
		return stoppedOr(ctx, err)
	}
	if err := cp.StartControllers(); err != nil {
		return err
	}
	if err := populate(starting, o, cp, config); err != nil {
		return stoppedOr(ctx, err)
	}
	var env environment
	env.set("AUDIT_LOG", cp.AuditLog())
	env.set("CA_FILE", cp.CAFile())
	if err := publish(starting, o, env, config, kubeconfig); err != nil {
		return stoppedOr(ctx, err)
	}
	fmt.Fprintf(os.Stderr, "cluster %s up after %.1f s: KUBECONFIG=%s\n", config.Host, time.Since(begun).Seconds(), kubeconfig)
	outages := make(chan os.Signal, 1)
	signal.Notify(outages, outageBegins, outageEnds)
	fmt.Println("ready")
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-cp.Failed():
			return err
		case which := <-outages:
			if which == outageBegins {
				cp.KillAPIServer()
			} else if err := cp.RestartAPIServer(); err != nil {
				return err
			}
		}
	}
}

// populate adds accounts and nodes and waits until pods can be made.
func populate(ctx context.Context, o *upOptions, cp *controlplane.ControlPlane, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := setup.Apply(ctx, config, o.namespace); err != nil {
		return err
	}
	if o.kwokNodes > 0 {
		if err := cp.StartKwok(); err != nil {
			return err
		}
		if err := controlplane.AddKwokNodes(ctx, client, o.kwokNodes); err != nil {
			return err
		}
	}
	if err := startProcessNodes(o, cp); err != nil {
		return err
	}
	want := o.kwokNodes + o.processNodes
	ready := 0
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		nodes, err := setup.ListNodes(ctx, client)
		if err == nil {
			ready = controlplane.NodesReady(nodes)
		}
		if ready >= want && setup.AccountsReady(ctx, client, o.namespace) {
			return nil
		}
		select {
		case err := <-cp.Failed():
			return err
		case <-ctx.Done():
			return fmt.Errorf("%d of %d nodes and the accounts were ready in time; see %s", ready, want, filepath.Join(o.dir, "logs"))
		case <-tick.C:
		}
	}
}

// publish writes the files that users of the instance read, DIR/env last.
func publish(ctx context.Context, o *upOptions, env environment, config *rest.Config, kubeconfig string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(o.dir, name) }
	token, err := setup.Token(ctx, client, o.namespace, "spark", in("spark.token"))
	if err != nil {
		return err
	}
	if _, err := setup.Token(ctx, client, o.namespace+"-noaccess", "noaccess", in("noaccess.token")); err != nil {
		return err
	}
	driver := in("driver.kubeconfig")
	err = controlplane.WriteKubeconfig(driver, config.Host, config.CAData, o.namespace, &api.AuthInfo{Token: token})
	if err != nil {
		return err
	}
	env.set("DIR", o.dir)
	env.set("KUBECONFIG", kubeconfig)
	env.set("DRIVER_KUBECONFIG", driver)
	env.set("MASTER", "k8s://"+config.Host)
	// What spark.kubernetes.driver.master wants: a driver in the cluster finds
	// no kubernetes.default.svc here.
	env.set("API_SERVER", config.Host)
	env.set("NAMESPACE", o.namespace)
	env.set("NOACCESS_NAMESPACE", o.namespace+"-noaccess")
	env.set("TOKEN_FILE", in("spark.token"))
	env.set("NOACCESS_TOKEN_FILE", in("noaccess.token"))
	env.set("KUBECTL", filepath.Join(o.binDir, "kubectl"))
	return env.write(in("env"))
}

func loadConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", kubeconfig, err)
	}
	config.UserAgent = "stoker-cluster"
	config.QPS, config.Burst = 200, 400
	if err := rest.LoadTLSFiles(config); err != nil {
		return nil, err
	}
	config.Host = strings.TrimSuffix(config.Host, "/")
	return config, nil
}

// stoppedOr is no error when the user ended the start half way.
func stoppedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
