package node

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// hosts is a pod's /etc/hosts: itself and, as there is no cluster DNS, the
// headless services of its namespace with their pods on this node. An executor
// finds its driver by such a name. What comes later is not added: drivers are
// there before their executors.
func (n *Node) hosts(ctx context.Context, pod *corev1.Pod) (string, error) {
	text := fmt.Sprintf("127.0.0.1 localhost\n::1 localhost\n%s %s\n", pod.Status.PodIP, hostname(pod))
	services, err := n.client.CoreV1().Services(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for i := range services.Items {
		service := &services.Items[i]
		if service.Spec.ClusterIP != corev1.ClusterIPNone || len(service.Spec.Selector) == 0 {
			continue
		}
		pods, err := n.client.CoreV1().Pods(pod.Namespace).List(ctx, metav1.ListOptions{
			LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String(),
			FieldSelector: fields.OneTermEqualSelector("spec.nodeName", n.Name).String(),
		})
		if err != nil {
			return "", err
		}
		text += serviceHosts(service, pods.Items)
	}
	return text, nil
}

// serviceHosts has a line for each pod behind a headless service, with the
// names that a cluster DNS knows the service by.
func serviceHosts(service *corev1.Service, pods []corev1.Pod) string {
	name := service.Name + "." + service.Namespace + ".svc"
	var text strings.Builder
	for i := range pods {
		status := &pods[i].Status
		if status.PodIP != "" && status.Phase != corev1.PodSucceeded && status.Phase != corev1.PodFailed {
			fmt.Fprintf(&text, "%s %s %s.cluster.local\n", status.PodIP, name, name)
		}
	}
	return text.String()
}
