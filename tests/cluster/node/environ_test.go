package node

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestExpand(t *testing.T) {
	v := &variables{}
	v.set("A", "1")
	v.set("B_C", "two")
	for text, want := range map[string]string{
		"":              "",
		"plain":         "plain",
		"$(A)":          "1",
		"x$(A)y$(B_C)z": "x1ytwoz",
		"$(NONE)":       "$(NONE)",
		"$$(A)":         "$(A)",
		"$$$(A)":        "$1",
		"$A":            "$A",
		"cost: 5$":      "cost: 5$",
		"$(A":           "$(A",
	} {
		if got := v.expand(text); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLaterVariablesReplaceEarlierOnes(t *testing.T) {
	v := &variables{}
	v.set("A", "1")
	v.set("B", "2")
	v.set("A", "3")
	if got, want := v.list(), []string{"A=3", "B=2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFieldValue(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Name, pod.UID = "p", "u"
	pod.Labels = map[string]string{"b": "2", "a": "1"}
	pod.Status.PodIP = "127.60.0.1"
	for path, want := range map[string]string{
		"metadata.name": "p", "metadata.uid": "u", "status.podIP": "127.60.0.1",
		"metadata.labels": "a=\"1\"\nb=\"2\"", "metadata.labels['b']": "2",
	} {
		if got, err := fieldValue(pod, path); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", path, got, err, want)
		}
	}
	if _, err := fieldValue(pod, "spec.nonsense"); err == nil {
		t.Error("an unknown field has a value")
	}
}

func TestResourceValueIsRoundedUp(t *testing.T) {
	container := &corev1.Container{}
	container.Resources.Requests = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("1025Mi"),
	}
	for _, c := range []struct{ name, divisor, want string }{
		{"requests.cpu", "0", "2"},
		{"requests.cpu", "1m", "1500"},
		{"requests.memory", "1Gi", "2"},
		{"limits.cpu", "1", "1000"}, // unset: the node's
	} {
		ref := &corev1.ResourceFieldSelector{Resource: c.name, Divisor: resource.MustParse(c.divisor)}
		got, err := resourceValue(&corev1.Pod{}, container, ref, room)
		if err != nil || got != c.want {
			t.Errorf("%s by %s = %q, %v, want %q", c.name, c.divisor, got, err, c.want)
		}
	}
}
