package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"stoker.local/tests/cluster/sandbox"
)

// live takes a pod through its life. It returns when all containers have ended
// for good, or the pod is being deleted, or the context ends, which kills them.
func (w *worker) live(ctx context.Context) {
	w.publish(ctx)
	var volumes map[string]volume
	ready := w.retry(ctx, func() error {
		var err error
		volumes, err = w.node.prepareVolumes(ctx, w.snapshot(), filepath.Join(w.dir, "volumes"))
		return err
	})
	if !ready {
		return
	}
	spec := w.snapshot().Spec
	for i := range spec.InitContainers {
		c := w.containers[spec.InitContainers[i].Name]
		if !w.runContainer(ctx, c, volumes, true) {
			return
		}
	}
	var all sync.WaitGroup
	for i := range spec.Containers {
		c := w.containers[spec.Containers[i].Name]
		all.Go(func() { w.runContainer(ctx, c, volumes, false) })
	}
	all.Wait()
}

// snapshot is the pod as it is now, safe to read.
func (w *worker) snapshot() *corev1.Pod {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.pod.DeepCopy()
}

// retry does something until it works, more and more rarely. It gives up when
// the pod is to end.
func (w *worker) retry(ctx context.Context, do func() error) bool {
	const first, last = 100 * time.Millisecond, 2 * time.Second
	for wait := first; ; wait = min(2*wait, last) {
		if w.isDeleting() || ctx.Err() != nil {
			return false
		}
		err := do()
		if err == nil {
			return true
		}
		w.mutex.Lock()
		again := w.message == err.Error()
		w.message = err.Error()
		w.mutex.Unlock()
		if !again {
			w.node.logf("%s: %v", w.pod.Name, err)
		}
		select {
		case <-time.After(wait):
		case <-w.deleting:
		case <-ctx.Done():
		}
	}
}

// runContainer runs a container as often as the restart policy says. It tells
// whether an init container succeeded.
func (w *worker) runContainer(ctx context.Context, c *container, volumes map[string]volume, init bool) bool {
	policy := w.snapshot().Spec.RestartPolicy
	if init && policy == corev1.RestartPolicyAlways {
		// Init containers that succeed are not run again.
		policy = corev1.RestartPolicyOnFailure
	}
	// As the kubelet does it: 10 s, doubled up to 5 minutes.
	for pause := 10 * time.Second; ; pause = min(2*pause, 5*time.Minute) {
		spec, log, ok := w.prepare(ctx, c, volumes)
		if !ok {
			return false
		}
		code := w.runOnce(ctx, c, spec, log)
		log.Close()
		done := policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure && code == 0
		if done && init && code != 0 {
			w.mutex.Lock()
			w.failedInit = true
			w.mutex.Unlock()
		}
		if !done && !w.isDeleting() && ctx.Err() == nil {
			w.mutex.Lock()
			c.restarting(fmt.Sprintf("back-off %s restarting failed container", pause))
			w.mutex.Unlock()
		}
		w.publish(context.WithoutCancel(ctx))
		if done || w.isDeleting() || ctx.Err() != nil {
			return code == 0
		}
		select {
		case <-time.After(pause):
		case <-w.deleting:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// prepare finds out all that a container needs, and waits for what is missing.
func (w *worker) prepare(ctx context.Context, c *container, volumes map[string]volume) (*sandbox.Spec, *os.File, bool) {
	var spec *sandbox.Spec
	var log *os.File
	ready := w.retry(ctx, func() error {
		image, err := findImage(w.node.Images, c.spec.Image)
		if err == nil {
			spec, err = w.sandbox(ctx, c, image, volumes)
		}
		if err == nil {
			path := w.node.logFile(w.pod, c.spec.Name)
			if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
				log, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			}
		}
		if err != nil {
			w.mutex.Lock()
			c.cannotStart(err, errors.Is(err, errUnknownImage))
			w.mutex.Unlock()
			w.publish(ctx)
		}
		return err
	})
	return spec, log, ready
}

// runOnce runs a container until it ends and returns its exit code.
func (w *worker) runOnce(ctx context.Context, c *container, spec *sandbox.Spec, log *os.File) int {
	dir := filepath.Join(w.dir, "containers", c.spec.Name)
	process, err := sandbox.Start(spec, dir, log)
	w.mutex.Lock()
	if err != nil {
		fmt.Fprintln(log, err)
		c.failedToStart(err)
		w.mutex.Unlock()
		return startErrorCode
	}
	c.started(process)
	w.message = ""
	stopping := w.isDeleting()
	w.mutex.Unlock()
	if stopping {
		// The deletion came between the look and the start.
		go w.terminate(c)
	}
	w.publish(ctx)
	select {
	case <-process.Exited():
	case <-ctx.Done():
		process.Kill()
		<-process.Exited()
	}
	process.Close()
	w.mutex.Lock()
	c.exited(process.Code())
	w.mutex.Unlock()
	return process.Code()
}
