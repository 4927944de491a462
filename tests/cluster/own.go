package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"stoker.local/tests/cluster/setup"
)

// useCluster prepares the user's own cluster instead of starting one: the
// namespaces, accounts and roles are made, and removed at the end.
func useCluster(ctx context.Context, o *upOptions, kubeconfig string) error {
	fmt.Fprintf(os.Stderr, "using the cluster of %s, as STOKER_TEST_KUBECONFIG or KUBECONFIG says; unset both to start one\n", kubeconfig)
	if o.kwokNodes > 0 || o.processNodes > 0 {
		fmt.Fprintln(os.Stderr, "it keeps its own nodes: --kwok-nodes and --process-nodes do nothing")
	}
	// Like kubectl: KUBECONFIG may list several files, STOKER_TEST_KUBECONFIG
	// names one.
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if file := os.Getenv("STOKER_TEST_KUBECONFIG"); file != "" {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: file}
	}
	raw, err := rules.Load()
	if err != nil {
		return fmt.Errorf("reading %s: %w", kubeconfig, err)
	}
	if err := removeInstance(o.dir); err != nil {
		return err
	}
	defer removeInstance(o.dir)
	// One file of its own, so that users of DIR/env see one cluster whatever
	// happens to the user's current context.
	file := filepath.Join(o.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*raw, file); err != nil {
		return err
	}
	config, err := loadConfig(file)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := setup.Claim(starting, client, o.namespace); err != nil {
		return err
	}
	defer func() {
		// The context has ended by then.
		ending, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := setup.Release(ending, client, o.namespace); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if err := setup.Apply(starting, config, o.namespace); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !setup.AccountsReady(starting, client, o.namespace) {
		select {
		case <-starting.Done():
			return stoppedOr(ctx, errors.New("the namespaces' default accounts were not ready in time; does the cluster run a controller manager?"))
		case <-tick.C:
		}
	}
	var env environment
	env.set("AUDIT_LOG", "")
	ca := ""
	if len(config.CAData) > 0 {
		ca = filepath.Join(o.dir, "ca.crt")
		if err := os.WriteFile(ca, config.CAData, 0o644); err != nil {
			return err
		}
	}
	env.set("CA_FILE", ca)
	if err := publish(starting, o, env, config, file); err != nil {
		return stoppedOr(ctx, err)
	}
	// The API server is not this program's to stop.
	signal.Ignore(outageBegins, outageEnds)
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}
