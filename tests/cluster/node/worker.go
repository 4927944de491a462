package node

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// worker runs one pod, from when it is bound to the node until it has left the
// API.
type worker struct {
	node *Node
	dir  string

	// removed is closed when the pod is no longer in the API.
	removed chan struct{}
	// deleting is closed when the pod's deletion was asked for; no container
	// is started from then on.
	deleting chan struct{}
	// shorter is told that the grace period was shortened.
	shorter chan struct{}

	// mutex guards what follows.
	mutex      sync.Mutex
	pod        *corev1.Pod
	containers map[string]*container
	// failedInit is set when an init container failed for good.
	failedInit bool
	message    string

	// publishing makes status patches one at a time, the newest last.
	publishing sync.Mutex
	published  *corev1.PodStatus
}

func newWorker(n *Node, pod *corev1.Pod) *worker {
	w := &worker{
		node: n, dir: filepath.Join(n.Dir, "pods", string(pod.UID)), pod: pod.DeepCopy(),
		removed: make(chan struct{}), deleting: make(chan struct{}), shorter: make(chan struct{}, 1),
		containers: map[string]*container{},
	}
	now := metav1.Now()
	w.pod.Status.StartTime = &now
	w.pod.Status.HostIP = nodeIP
	for i := range pod.Spec.InitContainers {
		w.containers[pod.Spec.InitContainers[i].Name] = newContainer(&w.pod.Spec.InitContainers[i], "PodInitializing")
	}
	for i := range pod.Spec.Containers {
		reason := "ContainerCreating"
		if len(pod.Spec.InitContainers) > 0 {
			reason = "PodInitializing"
		}
		w.containers[pod.Spec.Containers[i].Name] = newContainer(&w.pod.Spec.Containers[i], reason)
	}
	return w
}

// update takes in what the API says about the pod: only its deletion matters,
// the status is this worker's own.
func (w *worker) update(pod *corev1.Pod) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	// Labels may be shown by the downward API of a container yet to start.
	w.pod.Labels, w.pod.Annotations = pod.Labels, pod.Annotations
	if pod.DeletionTimestamp == nil {
		return
	}
	before := w.pod.DeletionGracePeriodSeconds
	w.pod.DeletionTimestamp, w.pod.DeletionGracePeriodSeconds = pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds
	if !w.isDeleting() {
		close(w.deleting)
	} else if before != nil && pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds < *before {
		select {
		case w.shorter <- struct{}{}:
		default:
		}
	}
}

func (w *worker) isDeleting() bool {
	select {
	case <-w.deleting:
		return true
	default:
		return false
	}
}

func (w *worker) run(ctx context.Context) {
	defer os.RemoveAll(w.dir)
	if w.adopt(ctx) {
		w.finish(ctx)
		return
	}
	address, err := w.node.addresses.take()
	if err != nil {
		w.node.logf("%s: %v", w.pod.Name, err)
		return
	}
	defer w.node.addresses.giveBack(address)
	w.mutex.Lock()
	w.pod.Status.PodIP = address
	w.mutex.Unlock()

	living, kill := context.WithCancel(ctx)
	defer kill()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.live(living)
	}()
	select {
	case <-ended:
	case <-w.deleting:
		w.stop(ctx, ended)
	case <-w.removed:
	case <-ctx.Done():
	}
	kill()
	<-ended
	w.publish(ctx)
	w.finish(ctx)
}

// adopt deals with pods that an earlier process of this node has run: their
// processes ended with it.
func (w *worker) adopt(ctx context.Context) bool {
	switch phase := w.pod.Status.Phase; {
	case phase == corev1.PodSucceeded || phase == corev1.PodFailed:
		return true
	case phase == corev1.PodRunning || w.pod.Status.PodIP != "":
		w.mutex.Lock()
		for _, c := range w.containers {
			now := metav1.Now()
			c.waiting = nil
			c.ended = &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "ContainerStatusUnknown",
				Message: "The node was restarted and the container ended with it", FinishedAt: now,
			}
		}
		w.pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		w.mutex.Unlock()
		w.publish(ctx)
		return true
	}
	return false
}

// finish waits until a pod that has ended is deleted, and confirms that.
func (w *worker) finish(ctx context.Context) {
	select {
	case <-w.deleting:
	case <-w.removed:
		return
	case <-ctx.Done():
		return
	}
	zero := int64(0)
	w.mutex.Lock()
	pod := w.pod
	options := metav1.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &pod.UID}}
	w.mutex.Unlock()
	for {
		// Whether it worked shows in the pod's leaving the API.
		err := w.node.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
		select {
		case <-w.removed:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
			if err != nil {
				w.node.logf("confirming the deletion of %s: %v", pod.Name, err)
			}
		}
	}
}

// stop ends the containers in the time that the deletion grants them.
func (w *worker) stop(ctx context.Context, ended <-chan struct{}) {
	begun := time.Now()
	deadline := func() <-chan time.Time { return time.After(time.Until(begun.Add(w.grace()))) }
	w.mutex.Lock()
	var stopping []*container
	for _, c := range w.containers {
		stopping = append(stopping, c)
	}
	w.mutex.Unlock()
	for _, c := range stopping {
		go w.terminate(c)
	}
	expired := deadline()
	for {
		select {
		case <-ended:
			return
		case <-w.shorter:
			expired = deadline()
		case <-expired:
			return
		case <-w.removed:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) grace() time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	seconds := w.pod.DeletionGracePeriodSeconds
	if seconds == nil {
		seconds = w.pod.Spec.TerminationGracePeriodSeconds
	}
	if seconds == nil {
		return 30 * time.Second
	}
	return time.Duration(*seconds) * time.Second
}
