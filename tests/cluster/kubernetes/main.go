// Command stoker-k8s is every program of a Kubernetes control plane in one
// binary, so that the code they share is compiled and linked once.
//
// Which one it is follows from its first argument, or from the name it was
// called by (a link named kubectl makes it kubectl).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// programs maps a name to the function that takes over the process.
// args[0] is always the program's own name.
var programs = map[string]func(args []string) int{
	"etcd":                    runEtcd,
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-scheduler":          runScheduler,
	"kubectl":                 runKubectl,
	"kwok":                    runKwok,
	"kwok-stages":             printKwokStages,
}

func main() {
	args := os.Args
	run, ok := programs[filepath.Base(args[0])]
	if !ok && len(args) > 1 {
		args = args[1:]
		run, ok = programs[args[0]]
	}
	if !ok {
		names := make([]string, 0, len(programs))
		for name := range programs {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: stoker-k8s PROGRAM [ARGUMENT...], PROGRAM is one of: %s\n",
			strings.Join(names, ", "))
		os.Exit(2)
	}
	// The programs read their arguments from os.Args in places (usage texts,
	// kubectl's plugin look-up), so that it must look as if each were itself.
	os.Args = append([]string{filepath.Base(args[0])}, args[1:]...)
	os.Exit(run(os.Args))
}
