package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"stoker.local/tests/cluster/audit"
)

const patience = 60 * time.Second

// instance is the cluster that all tests of this file share.
type instance struct {
	bin, dir string
	client   kubernetes.Interface
}

var shared *instance

// TestMain brings a cluster up for the tests that need one. They are skipped
// without STOKER_CLUSTER_BIN, as its programs take minutes to build.
func TestMain(m *testing.M) {
	bin := os.Getenv("STOKER_CLUSTER_BIN")
	if bin == "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "stoker-cluster-test-")
	if err != nil {
		panic(err)
	}
	images := `{"host": {}, "image": {"binds": {"/opt/image": "` + dir + `/logs"}, "entrypoint": ["/bin/sh", "-c"], "workingDir": "/opt/image/work"}}`
	if err := os.WriteFile(filepath.Join(dir, "images.json"), []byte(images), 0o644); err != nil {
		panic(err)
	}
	stop, err := start(bin, dir, "--process-nodes=1", "--kwok-nodes=1")
	if err != nil {
		panic(err)
	}
	config, err := loadConfig(filepath.Join(dir, "kubeconfig"))
	if err != nil {
		panic(err)
	}
	shared = &instance{bin: bin, dir: dir, client: kubernetes.NewForConfigOrDie(config)}
	code := m.Run()
	stop()
	if code == 0 {
		os.RemoveAll(dir)
	} else {
		println("the cluster's logs are in " + dir)
	}
	os.Exit(code)
}

// start starts a cluster as a child and waits until it says that it is ready.
func start(bin, dir string, args ...string) (stop func(), err error) {
	cmd := exec.Command(filepath.Join(bin, "stoker-cluster"), append([]string{"up", "--die-with-parent", "--dir", dir}, args...)...)
	// The user's own cluster is not what is tested.
	cmd.Env = append(os.Environ(), "KUBECONFIG=", "STOKER_TEST_KUBECONFIG=")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "ready" {
			return func() {
				_ = cmd.Process.Signal(syscall.SIGTERM)
				_ = cmd.Wait()
			}, nil
		}
	}
	return nil, cmd.Wait()
}

func needCluster(t *testing.T) (*instance, context.Context) {
	t.Helper()
	if shared == nil {
		t.Skip("set STOKER_CLUSTER_BIN to the folder that tests/cluster/build.sh prints")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return shared, ctx
}

// until polls a condition; what it last said is the error message.
func until(t *testing.T, ctx context.Context, condition func() (bool, string)) {
	t.Helper()
	for {
		done, state := condition()
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not in time: %s", state)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func pod(name, image, script string) *corev1.Pod {
	seconds := int64(10)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: "spark",
			TerminationGracePeriodSeconds: &seconds,
			NodeSelector:                  map[string]string{"stoker.io/node-kind": "process"},
			Containers:                    []corev1.Container{{Name: "main", Image: image, Command: []string{"/bin/sh", "-c", script}}},
		},
	}
}

func (i *instance) create(t *testing.T, ctx context.Context, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	made, err := i.client.CoreV1().Pods("spark").Create(ctx, p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (i *instance) waitPhase(t *testing.T, ctx context.Context, name string, phase corev1.PodPhase) *corev1.Pod {
	t.Helper()
	var found *corev1.Pod
	until(t, ctx, func() (bool, string) {
		var err error
		found, err = i.client.CoreV1().Pods("spark").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		text, _ := json.Marshal(found.Status)
		return found.Status.Phase == phase, string(text)
	})
	return found
}

func (i *instance) waitGone(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	until(t, ctx, func() (bool, string) {
		_, err := i.client.CoreV1().Pods("spark").Get(ctx, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), name + " is still there"
	})
}

func (i *instance) logs(t *testing.T, ctx context.Context, name string) string {
	t.Helper()
	text, err := i.client.CoreV1().Pods("spark").GetLogs(name, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPodSeesItsVolumesAndEnvironment(t *testing.T) {
	i, ctx := needCluster(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "conf"}, Data: map[string]string{"spark.properties": "a=b"}}
	if _, err := i.client.CoreV1().ConfigMaps("spark").Create(ctx, config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p := pod("volumes", "image", `set -e
echo "conf $(cat /opt/image/conf/spark.properties)"
echo "namespace $(cat /var/run/secrets/kubernetes.io/serviceaccount/namespace)"
test -s /var/run/secrets/kubernetes.io/serviceaccount/token && echo token
test -s /opt/image/kube-apiserver.log && echo image
echo data > /var/data/spark-1/f && cat /var/data/spark-1/f
echo "ip $IP $EXPANDED"; echo "host $(hostname) $(grep $(hostname) /etc/hosts | cut -d' ' -f1)"
echo "dir $PWD"; touch here
(echo x > /opt/image/conf/y) 2>/dev/null || echo read-only
exit 3`)
	c := &p.Spec.Containers[0]
	c.Env = []corev1.EnvVar{
		{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "EXPANDED", Value: "$(IP)!"},
	}
	c.VolumeMounts = []corev1.VolumeMount{{Name: "conf", MountPath: "/opt/image/conf"}, {Name: "data", MountPath: "/var/data/spark-1"}}
	p.Spec.Volumes = []corev1.Volume{
		{Name: "conf", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}},
		{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	i.create(t, ctx, p)
	ended := i.waitPhase(t, ctx, "volumes", corev1.PodFailed)
	state := ended.Status.ContainerStatuses[0].State.Terminated
	if state == nil || state.ExitCode != 3 || state.Reason != "Error" {
		t.Errorf("terminated as %+v", state)
	}
	ip := ended.Status.PodIP
	want := "conf a=b\nnamespace spark\ntoken\nimage\ndata\nip " + ip + " " + ip + "!\nhost volumes " + ip + "\ndir /opt/image/work\nread-only\n"
	if got := i.logs(t, ctx, "volumes"); got != want {
		t.Errorf("logs:\n%s\nwant:\n%s", got, want)
	}
	for _, path := range []string{"/opt/image", "/var/data/spark-1"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made on the host", path)
		}
	}
}

func TestHeadlessServicesAreKnownByName(t *testing.T) {
	i, ctx := needCluster(t)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "named"},
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"named": "yes"}},
	}
	if _, err := i.client.CoreV1().Services("spark").Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	behind := pod("behind", "image", "sleep 1000")
	behind.Labels = map[string]string{"named": "yes"}
	i.create(t, ctx, behind)
	ip := i.waitPhase(t, ctx, "behind", corev1.PodRunning).Status.PodIP
	i.create(t, ctx, pod("asks", "image", "getent hosts named.spark.svc | cut -d' ' -f1"))
	i.waitPhase(t, ctx, "asks", corev1.PodSucceeded)
	if got := i.logs(t, ctx, "asks"); got != ip+"\n" {
		t.Errorf("found %q, want %s", got, ip)
	}
}

func TestDeletionGrantsTheGracePeriod(t *testing.T) {
	i, ctx := needCluster(t)
	i.create(t, ctx, pod("polite", "host", `trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done`))
	i.waitPhase(t, ctx, "polite", corev1.PodRunning)
	until(t, ctx, func() (bool, string) { log := i.logs(t, ctx, "polite"); return log == "up\n", log })
	begun := time.Now()
	if err := i.client.CoreV1().Pods("spark").Delete(ctx, "polite", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	i.waitGone(t, ctx, "polite")
	if took := time.Since(begun); took > 9*time.Second {
		t.Errorf("took %s although the process ended when asked", took)
	}
	files, _ := filepath.Glob(filepath.Join(i.dir, "pods-logs", "spark_polite_*", "main.log"))
	if len(files) != 1 {
		t.Fatalf("logs: %v", files)
	}
	if text, _ := os.ReadFile(files[0]); string(text) != "up\nasked\n" {
		t.Errorf("logs: %q", text)
	}
}

func TestDeletionKillsAfterTheGracePeriod(t *testing.T) {
	i, ctx := needCluster(t)
	// The odd number makes the orphan findable; only its first process is
	// signalled.
	i.create(t, ctx, pod("stubborn", "host", `trap '' TERM; sleep 98765.25 & echo up; while :; do sleep 0.05; done`))
	i.waitPhase(t, ctx, "stubborn", corev1.PodRunning)
	until(t, ctx, func() (bool, string) { return processRuns("98765.25"), "the orphan has not started" })
	one := int64(1)
	if err := i.client.CoreV1().Pods("spark").Delete(ctx, "stubborn", metav1.DeleteOptions{GracePeriodSeconds: &one}); err != nil {
		t.Fatal(err)
	}
	i.waitGone(t, ctx, "stubborn")
	until(t, ctx, func() (bool, string) { return !processRuns("98765.25"), "a process of the pod outlived it" })
}

func TestForcedDeletionKillsAtOnce(t *testing.T) {
	i, ctx := needCluster(t)
	i.create(t, ctx, pod("forced", "host", `trap '' TERM; sleep 98765.5`))
	i.waitPhase(t, ctx, "forced", corev1.PodRunning)
	until(t, ctx, func() (bool, string) { return processRuns("98765.5"), "not started" })
	zero := int64(0)
	if err := i.client.CoreV1().Pods("spark").Delete(ctx, "forced", metav1.DeleteOptions{GracePeriodSeconds: &zero}); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() (bool, string) { return !processRuns("98765.5"), "still runs" })
}

func TestOwnedPodsAreCollected(t *testing.T) {
	i, ctx := needCluster(t)
	driver := i.create(t, ctx, pod("driver", "host", "exec sleep 1000"))
	executor := pod("executor", "host", "exec sleep 1000")
	executor.Spec.NodeSelector["stoker.io/node-kind"] = "kwok"
	controller := true
	executor.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: driver.Name, UID: driver.UID, Controller: &controller}}
	i.create(t, ctx, executor)
	i.waitPhase(t, ctx, "executor", corev1.PodRunning)
	if err := i.client.CoreV1().Pods("spark").Delete(ctx, "driver", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	i.waitGone(t, ctx, "driver")
	i.waitGone(t, ctx, "executor")
}

func TestUnknownImageWaitsUntilItIsKnown(t *testing.T) {
	i, ctx := needCluster(t)
	i.create(t, ctx, pod("late-image", "late", "exit 0"))
	until(t, ctx, func() (bool, string) {
		found, err := i.client.CoreV1().Pods("spark").Get(ctx, "late-image", metav1.GetOptions{})
		if err != nil || len(found.Status.ContainerStatuses) == 0 || found.Status.ContainerStatuses[0].State.Waiting == nil {
			return false, "no waiting state"
		}
		reason := found.Status.ContainerStatuses[0].State.Waiting.Reason
		return reason == "ImagePullBackOff", reason
	})
	file := filepath.Join(i.dir, "images.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), `"host": {}`, `"host": {}, "late": {}`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	i.waitPhase(t, ctx, "late-image", corev1.PodSucceeded)
}

func TestRightsAndAudit(t *testing.T) {
	i, ctx := needCluster(t)
	as := func(tokenFile, agent string) kubernetes.Interface {
		admin, err := loadConfig(filepath.Join(i.dir, "kubeconfig"))
		if err != nil {
			t.Fatal(err)
		}
		config := rest.AnonymousClientConfig(admin)
		config.BearerTokenFile, config.UserAgent = filepath.Join(i.dir, tokenFile), agent
		return kubernetes.NewForConfigOrDie(config)
	}
	driver := as("spark.token", "stoker/test")
	p := pod("audited", "host", "exit 0")
	p.Spec.NodeSelector["stoker.io/node-kind"] = "kwok"
	if _, err := driver.CoreV1().Pods("spark").Create(ctx, p, metav1.CreateOptions{}); err != nil {
		t.Fatalf("a driver cannot make pods: %v", err)
	}
	if _, err := driver.CoreV1().Secrets("spark").List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a driver may read secrets: %v", err)
	}
	if _, err := as("noaccess.token", "test").CoreV1().Pods("spark").List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("the account without rights may list pods: %v", err)
	}
	log, err := os.Open(filepath.Join(i.dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	summary, err := audit.Summarise(log, "stoker/test")
	if err != nil {
		t.Fatal(err)
	}
	want := audit.PodCreate{Namespace: "spark", Name: "audited", Code: 201, UserAgent: "stoker/test", User: "system:serviceaccount:spark:spark"}
	if len(summary.PodCreates) != 1 || summary.PodCreates[0] != want {
		t.Errorf("creates: %+v", summary.PodCreates)
	}
}

// processRuns tells whether a process has a word on its command line.
func processRuns(word string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, argument := range strings.Split(string(text), "\x00") {
			if argument == word {
				return true
			}
		}
	}
	return false
}
