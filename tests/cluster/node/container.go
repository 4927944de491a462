package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"stoker.local/tests/cluster/sandbox"
)

// startErrorCode is what container runtimes report when a command cannot be
// started.
const startErrorCode = 128

// container is the state of one container of a pod. The worker's mutex guards
// it. Exactly one of waiting, process and ended is set.
type container struct {
	spec     *corev1.Container
	waiting  *corev1.ContainerStateWaiting
	process  *sandbox.Process
	began    metav1.Time
	ended    *corev1.ContainerStateTerminated
	previous *corev1.ContainerStateTerminated
	restarts int32
	// terminating is set once the container was asked to end.
	terminating bool
}

func newContainer(spec *corev1.Container, reason string) *container {
	return &container{spec: spec, waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func (c *container) cannotStart(err error, image bool) {
	reason := "CreateContainerConfigError"
	if image {
		// A kubelet fails to pull first and then backs off between tries.
		reason = "ErrImagePull"
		if c.waiting != nil && (c.waiting.Reason == "ErrImagePull" || c.waiting.Reason == "ImagePullBackOff") {
			reason = "ImagePullBackOff"
		}
	}
	c.waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: err.Error()}
}

func (c *container) started(process *sandbox.Process) {
	if c.previous != nil {
		c.restarts++
	}
	c.waiting, c.ended, c.process, c.began = nil, nil, process, metav1.Now()
}

func (c *container) failedToStart(err error) {
	now := metav1.Now()
	c.waiting, c.process = nil, nil
	c.ended = &corev1.ContainerStateTerminated{
		ExitCode: startErrorCode, Reason: "StartError", Message: err.Error(), StartedAt: now, FinishedAt: now,
	}
}

func (c *container) exited(code int) {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	c.ended = &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, StartedAt: c.began, FinishedAt: metav1.Now(), ContainerID: c.id(),
	}
	c.process = nil
}

// restarting puts an ended container back to waiting.
func (c *container) restarting(message string) {
	c.previous, c.ended = c.ended, nil
	c.waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: message}
}

func (c *container) id() string {
	if c.process == nil {
		return ""
	}
	return fmt.Sprintf("process://%d", c.process.Pid())
}

func (c *container) status(init bool) corev1.ContainerStatus {
	running := c.process != nil
	status := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, RestartCount: c.restarts, Started: &running,
		Ready: running && !init || init && c.ended != nil && c.ended.ExitCode == 0,
	}
	switch {
	case running:
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: c.began}
		status.ContainerID = c.id()
	case c.ended != nil:
		status.State.Terminated = c.ended
		status.ContainerID = c.ended.ContainerID
	default:
		status.State.Waiting = c.waiting
	}
	if c.previous != nil {
		status.LastTerminationState.Terminated = c.previous
	}
	return status
}

// terminate asks a running container to end: its preStop hook first, then
// SIGTERM. The caller's grace period runs meanwhile.
func (w *worker) terminate(c *container) {
	w.mutex.Lock()
	process, again := c.process, c.terminating
	c.terminating = process != nil
	w.mutex.Unlock()
	if process == nil || again {
		return
	}
	if hook := c.spec.Lifecycle; hook != nil && hook.PreStop != nil && hook.PreStop.Exec != nil {
		if code, err := process.Exec(hook.PreStop.Exec.Command); err != nil || code != 0 {
			w.node.logf("preStop hook of %s: exit code %d, %v", c.spec.Name, code, err)
		}
	}
	process.Terminate()
}

// sandbox is what the container's namespaces are to look like.
func (w *worker) sandbox(ctx context.Context, c *container, image *Image, volumes map[string]volume) (*sandbox.Spec, error) {
	pod := w.snapshot()
	environment, referable, err := w.node.environ(ctx, pod, c.spec, image)
	if err != nil {
		return nil, err
	}
	spec := &sandbox.Spec{Hostname: hostname(pod), Env: environment.list(), Dir: firstOf(c.spec.WorkingDir, image.WorkingDir, "/")}

	command := image.Entrypoint
	args := image.Cmd
	if len(c.spec.Command) > 0 {
		// The image's arguments are for the image's command.
		command, args = c.spec.Command, nil
	}
	if len(c.spec.Args) > 0 {
		args = c.spec.Args
	}
	for _, word := range append(append([]string{}, command...), args...) {
		spec.Args = append(spec.Args, referable.expand(word))
	}
	if len(spec.Args) == 0 {
		return nil, fmt.Errorf("neither the container nor the image %q has a command", c.spec.Image)
	}

	dir := filepath.Join(w.dir, "containers", c.spec.Name)
	tmp, hosts := filepath.Join(dir, "tmp"), filepath.Join(dir, "hosts")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(tmp, 0o1777); err != nil {
		return nil, err
	}
	names, err := w.node.hosts(ctx, pod)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(hosts, []byte(names), 0o644); err != nil {
		return nil, err
	}
	// In this order: what comes later hides what comes before.
	spec.Mounts = []sandbox.Mount{{Source: tmp, Target: "/tmp"}, {Source: hosts, Target: "/etc/hosts"}}
	for _, path := range sortedKeys(image.Binds) {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: image.Binds[path], Target: path, ReadOnly: true, Fixed: true})
	}
	mounts := append([]corev1.VolumeMount{}, c.spec.VolumeMounts...)
	sort.SliceStable(mounts, func(i, j int) bool { return mounts[i].MountPath < mounts[j].MountPath })
	for _, mount := range mounts {
		from, found := volumes[mount.Name]
		if !found {
			return nil, fmt.Errorf("volume %q is not among the pod's", mount.Name)
		}
		source := from.path
		if below := firstOf(mount.SubPath, referable.expand(mount.SubPathExpr)); below != "" {
			if !filepath.IsLocal(below) {
				return nil, fmt.Errorf("the subPath %q leads out of the volume %q", below, mount.Name)
			}
			source = filepath.Join(source, below)
			if _, err := os.Stat(source); err != nil {
				if err := os.MkdirAll(source, 0o777); err != nil {
					return nil, err
				}
			}
		}
		spec.Mounts = append(spec.Mounts, sandbox.Mount{
			Source: source, Target: mount.MountPath, ReadOnly: mount.ReadOnly || from.readOnly,
		})
	}
	return spec, nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func sortedKeys(values map[string]string) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
