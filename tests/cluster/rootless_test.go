package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
)

// nobody is a user without rights.
const nobody = 65534

// Without root the process node makes its containers in user namespaces.
func TestProcessNodeWithoutRoot(t *testing.T) {
	i, ctx := needCluster(t)
	bin, dir := i.bin, t.TempDir()
	var attributes *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		// Of its own, as the user has no way to where root keeps things.
		home, err := os.MkdirTemp("", "stoker-cluster-nobody-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(home) })
		bin, dir = filepath.Join(home, "bin"), filepath.Join(home, "instance")
		for _, folder := range []string{bin, dir} {
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		copyPrograms(t, i.bin, bin)
		for _, folder := range []string{home, dir} {
			if err := os.Chown(folder, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		attributes = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := os.WriteFile(filepath.Join(dir, "images.json"), []byte(`{"host": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "stoker-cluster"), "up", "--die-with-parent", "--dir", dir, "--process-nodes=1")
	cmd.Env = append(os.Environ(), "KUBECONFIG=", "STOKER_TEST_KUBECONFIG=", "HOME="+dir, "TMPDIR="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attributes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	until(t, ctx, func() (bool, string) {
		select {
		case err := <-ended:
			t.Fatalf("the cluster ended: %v", err)
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "env"))
		return err == nil, "not ready"
	})

	config, err := loadConfig(filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	own := &instance{bin: bin, dir: dir, client: kubernetes.NewForConfigOrDie(config)}
	p := pod("p", "host", `id -u; test -f /var/run/secrets/kubernetes.io/serviceaccount/token && touch /data/file && ls /data`)
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	own.create(t, ctx, p)
	own.waitPhase(t, ctx, "p", corev1.PodSucceeded)
	if log := own.logs(t, ctx, "p"); log != "0\nfile\n" {
		t.Errorf("the container wrote %q", log)
	}
	if _, err := os.Stat("/data"); err == nil {
		t.Error("the container's folder is the host's")
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the cluster did not end well: %v", err)
	}
}

func copyPrograms(t *testing.T, from, to string) {
	t.Helper()
	names, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		source, err := os.Open(filepath.Join(from, name.Name()))
		if err != nil {
			t.Fatal(err)
		}
		target, err := os.OpenFile(filepath.Join(to, name.Name()), os.O_CREATE|os.O_WRONLY, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(target, source)
		source.Close()
		if closed := target.Close(); err == nil {
			err = closed
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
