package controlplane

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// KwokAnnotation marks the nodes that KWOK plays the kubelet of.
	KwokAnnotation = "kwok.x-k8s.io/node"
	// NodeKindLabel tells pods' node selectors the kinds of node apart.
	NodeKindLabel = "stoker.io/node-kind"
)

// AddKwokNodes creates simulated nodes named kwok-0, kwok-1 and so on.
func AddKwokNodes(ctx context.Context, client kubernetes.Interface, count int) error {
	// So large that nothing a test makes ever waits for room.
	room := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("10000"),
		corev1.ResourceMemory:           resource.MustParse("100Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Ti"),
		corev1.ResourcePods:             resource.MustParse("5000"),
	}
	for i := range count {
		name := fmt.Sprintf("kwok-%d", i)
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name:        name,
				Annotations: map[string]string{KwokAnnotation: "fake"},
				Labels: map[string]string{
					NodeKindLabel: "kwok", "type": "kwok",
					corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
				},
			},
			Status: corev1.NodeStatus{Capacity: room, Allocatable: room, Phase: corev1.NodeRunning},
		}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating node %s: %w", name, err)
		}
	}
	return nil
}

// NodesReady counts the nodes that pods can be scheduled to: Ready, and
// without the taint that every node has until the controller manager has seen
// it Ready.
func NodesReady(nodes []corev1.Node) int {
	ready := 0
	for _, node := range nodes {
		usable := false
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				usable = true
			}
		}
		for _, taint := range node.Spec.Taints {
			if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
				usable = false
			}
		}
		if usable {
			ready++
		}
	}
	return ready
}
