package node

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// publish tells the API the pod's present status, as often as it takes.
func (w *worker) publish(ctx context.Context) {
	w.publishing.Lock()
	defer w.publishing.Unlock()
	for {
		w.mutex.Lock()
		status := w.status()
		w.mutex.Unlock()
		if w.published != nil && equality.Semantic.DeepEqual(w.published, status) {
			return
		}
		// The UID makes it fail for a later pod of the same name.
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": w.pod.UID}, "status": status,
		})
		if err == nil {
			_, err = w.node.client.CoreV1().Pods(w.pod.Namespace).Patch(ctx, w.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		}
		if err == nil {
			w.published = status
			return
		}
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) || ctx.Err() != nil {
			return // the pod is gone, which the watch tells as well
		}
		w.node.logf("writing the status of %s: %v", w.pod.Name, err)
		select {
		case <-time.After(250 * time.Millisecond):
		case <-w.removed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// status computes the pod's status from its containers'.
func (w *worker) status() *corev1.PodStatus {
	pod := w.pod
	status := &corev1.PodStatus{
		Phase: w.phase(), StartTime: pod.Status.StartTime, HostIP: nodeIP, PodIP: pod.Status.PodIP,
		HostIPs: []corev1.HostIP{{IP: nodeIP}}, QOSClass: pod.Status.QOSClass, Message: w.message,
	}
	if status.PodIP != "" {
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	for i := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, w.containers[pod.Spec.InitContainers[i].Name].status(true))
	}
	for i := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, w.containers[pod.Spec.Containers[i].Name].status(false))
	}
	status.Conditions = w.conditions(status)
	return status
}

func (w *worker) phase() corev1.PodPhase {
	if w.failedInit {
		return corev1.PodFailed
	}
	waiting, running, failed := 0, 0, 0
	for i := range w.pod.Spec.Containers {
		c := w.containers[w.pod.Spec.Containers[i].Name]
		switch {
		case c.process != nil || c.waiting != nil && c.previous != nil:
			running++ // a container between two runs counts as running
		case c.waiting != nil:
			waiting++
		case c.ended.ExitCode != 0:
			failed++
		}
	}
	switch {
	case running > 0:
		return corev1.PodRunning
	case waiting > 0:
		return corev1.PodPending
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

func (w *worker) conditions(status *corev1.PodStatus) []corev1.PodCondition {
	initialized, ready := true, status.Phase == corev1.PodRunning
	for i := range status.InitContainerStatuses {
		initialized = initialized && status.InitContainerStatuses[i].Ready
	}
	for i := range status.ContainerStatuses {
		ready = ready && status.ContainerStatuses[i].Ready
	}
	reason := "ContainersNotReady"
	switch status.Phase {
	case corev1.PodSucceeded:
		reason = "PodCompleted"
	case corev1.PodFailed:
		reason = "PodFailed"
	}
	now := metav1.Now()
	set := func(kind corev1.PodConditionType, is bool, reason string) corev1.PodCondition {
		condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}
		if !is {
			condition.Status, condition.Reason = corev1.ConditionFalse, reason
		}
		if w.published != nil {
			for _, before := range w.published.Conditions {
				if before.Type == kind && before.Status == condition.Status {
					condition.LastTransitionTime = before.LastTransitionTime
				}
			}
		}
		return condition
	}
	conditions := []corev1.PodCondition{
		set(corev1.PodReadyToStartContainers, status.PodIP != "" && (ready || initialized), ""),
		set(corev1.PodInitialized, initialized, "ContainersNotInitialized"),
		set(corev1.PodReady, ready, reason),
		set(corev1.ContainersReady, ready, reason),
	}
	// The scheduler's and others' are kept: a patch replaces the whole list.
	for _, other := range w.pod.Status.Conditions {
		ours := false
		for _, condition := range conditions {
			ours = ours || condition.Type == other.Type
		}
		if !ours {
			conditions = append(conditions, other)
		}
	}
	return conditions
}
