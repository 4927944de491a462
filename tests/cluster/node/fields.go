package node

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// fieldValue is what the downward API gives for a field of the pod.
func fieldValue(pod *corev1.Pod, path string) (string, error) {
	for prefix, values := range map[string]map[string]string{
		"metadata.labels": pod.Labels, "metadata.annotations": pod.Annotations,
	} {
		if path == prefix {
			return formatMap(values), nil
		}
		if key, found := strings.CutPrefix(path, prefix+"['"); found {
			return values[strings.TrimSuffix(key, "']")], nil
		}
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return pod.Status.HostIP, nil
	case "status.podIP", "status.podIPs":
		return pod.Status.PodIP, nil
	}
	return "", fmt.Errorf("field reference %q is not known", path)
}

// formatMap writes labels or annotations as a downward API volume shows them.
func formatMap(values map[string]string) string {
	lines := make([]string, 0, len(values))
	for key, value := range values {
		lines = append(lines, fmt.Sprintf("%s=%q", key, value))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// resourceValue is what the downward API gives for a request or limit. An
// unset limit is all that the node has.
func resourceValue(pod *corev1.Pod, container *corev1.Container, ref *corev1.ResourceFieldSelector, node corev1.ResourceList) (string, error) {
	if ref.ContainerName != "" {
		for i := range pod.Spec.Containers {
			if pod.Spec.Containers[i].Name == ref.ContainerName {
				container = &pod.Spec.Containers[i]
			}
		}
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	var value resource.Quantity
	switch kind {
	case "limits":
		var found bool
		if value, found = container.Resources.Limits[corev1.ResourceName(name)]; !found {
			value = node[corev1.ResourceName(name)]
		}
	case "requests":
		value = container.Resources.Requests[corev1.ResourceName(name)]
	default:
		return "", fmt.Errorf("resource reference %q is not known", ref.Resource)
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	// Rounded up. CPU divisors may be as small as 1m, memory's are whole.
	if name == "cpu" {
		return fmt.Sprint((value.MilliValue() + divisor.MilliValue() - 1) / divisor.MilliValue()), nil
	}
	return fmt.Sprint((value.Value() + divisor.Value() - 1) / divisor.Value()), nil
}
