package main

import (
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	// Registers the JSON log format, which the programs offer as a flag.
	_ "k8s.io/component-base/logs/json/register"
	kubectl "k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func runEtcd(args []string) int {
	// Leaves the process itself when it fails.
	etcdmain.Main(args)
	return 0
}

func runAPIServer([]string) int {
	return cli.Run(apiserver.NewAPIServerCommand())
}

func runControllerManager([]string) int {
	return cli.Run(controllermanager.NewControllerManagerCommand())
}

func runScheduler([]string) int {
	return cli.Run(scheduler.NewSchedulerCommand())
}

func runKubectl([]string) int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		// Prints the error the way kubectl does and chooses its exit code.
		cmdutil.CheckErr(err)
	}
	return 0
}
