package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// children are the processes that name a folder on their command line.
func children(dir string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), dir) && !strings.Contains(file, "/self/") {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// empty waits until no process of a folder's instance is left.
func empty(t *testing.T, dir string) {
	t.Helper()
	_, ctx := needCluster(t)
	until(t, ctx, func() (bool, string) {
		left := children(dir)
		return len(left) == 0, strings.Join(left, "\n")
	})
}

// wrapped starts an instance whose parent is a shell, so that the parent can
// be killed.
func wrapped(t *testing.T, dir string, flags string) *exec.Cmd {
	t.Helper()
	i, ctx := needCluster(t)
	script := i.bin + "/stoker-cluster up --dir " + dir + " --process-nodes 1 " + flags + " & wait"
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "KUBECONFIG=", "STOKER_TEST_KUBECONFIG=")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() (bool, string) {
		_, err := os.Stat(filepath.Join(dir, "env"))
		return err == nil, "not ready"
	})
	return cmd
}

func TestNothingOutlivesAKilledLauncher(t *testing.T) {
	_, ctx := needCluster(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "images.json"), []byte(`{"host": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	shell := wrapped(t, dir, "")
	config, err := loadConfig(filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	if _, err := client.CoreV1().Pods("spark").Create(ctx, pod("p", "host", "sleep 98765.125"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() (bool, string) { return processRuns("98765.125"), "the pod has not started" })
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("kill", "-KILL", strings.TrimSpace(string(text))).Run(); err != nil {
		t.Fatal(err)
	}
	_ = shell.Wait()
	empty(t, dir)
	until(t, ctx, func() (bool, string) { return !processRuns("98765.125"), "the pod's process still runs" })
	// What it left is removed by down, which finds nobody to stop.
	if err := down([]string{"--dir", dir}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "etcd")); err == nil {
		t.Error("down left the killed instance's files")
	}
}

func TestInstanceEndsWithItsParent(t *testing.T) {
	needCluster(t)
	dir := t.TempDir()
	shell := wrapped(t, dir, "--die-with-parent")
	if err := shell.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = shell.Wait()
	empty(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "env")); err == nil {
		t.Error("the instance left its files")
	}
	if _, err := os.Stat(filepath.Join(dir, "audit.log")); err != nil {
		t.Error("the audit log is gone")
	}
}

func TestOneInstancePerFolder(t *testing.T) {
	i, _ := needCluster(t)
	cmd := exec.Command(filepath.Join(i.bin, "stoker-cluster"), "up", "--dir", i.dir)
	text, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "down --dir") {
		t.Errorf("a second instance in the same folder: %v, %s", err, text)
	}
}

// The cluster of the other tests plays the user's own.
func TestUsersOwnCluster(t *testing.T) {
	i, ctx := needCluster(t)
	dir := t.TempDir()
	run := func(namespace string) (*exec.Cmd, *strings.Builder) {
		cmd := exec.Command(filepath.Join(i.bin, "stoker-cluster"), "up", "--dir", dir, "--namespace", namespace)
		cmd.Env = append(os.Environ(), "STOKER_TEST_KUBECONFIG="+filepath.Join(i.dir, "kubeconfig"))
		output := &strings.Builder{}
		cmd.Stderr = output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, output
	}
	foreign, output := run("kube-public")
	if err := foreign.Wait(); err == nil || !strings.Contains(output.String(), "--namespace") {
		t.Errorf("took over a namespace that is not its own: %v, %s", err, output)
	}
	own, _ := run("visitor")
	until(t, ctx, func() (bool, string) {
		text, _ := os.ReadFile(filepath.Join(dir, "env"))
		return strings.Contains(string(text), "NAMESPACE=visitor\n"), "no env"
	})
	if err := own.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := own.Wait(); err != nil {
		t.Error(err)
	}
	until(t, ctx, func() (bool, string) {
		_, err := i.client.CoreV1().Namespaces().Get(ctx, "visitor", metav1.GetOptions{})
		return err != nil, "the namespace is still there"
	})
}

// What runs goes on while the API server is away, and is known when it is back.
func TestAPIServerOutage(t *testing.T) {
	i, ctx := needCluster(t)
	pods := i.client.CoreV1().Pods("spark")
	if _, err := pods.Create(ctx, pod("outage", "host", "sleep 98765.25"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() (bool, string) { return processRuns("98765.25"), "the pod has not started" })
	if err := apiServer([]string{"stop", "--dir", i.dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Get(ctx, "outage", metav1.GetOptions{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("it is stopped, but: %v", err)
	}
	if !processRuns("98765.25") {
		t.Error("the pod's process has ended with the API server")
	}
	if err := apiServer([]string{"start", "--dir", i.dir}); err != nil {
		t.Fatal(err)
	}
	found, err := pods.Get(ctx, "outage", metav1.GetOptions{})
	if err != nil || found.Status.Phase != corev1.PodRunning {
		t.Errorf("after the outage: %v, %s", err, found.Status.Phase)
	}
	// Whoever watches has to be back as well: the node is the last to act on a deletion.
	if err := pods.Delete(ctx, "outage", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() (bool, string) { return !processRuns("98765.25"), "the pod's process still runs" })
}

func TestAPIServerArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"pause"}, {"stop"}, {"stop", "--dir", t.TempDir()}} {
		if err := apiServer(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
