package node

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestHeadlessServicesHaveTheNamesOfAClusterDNS(t *testing.T) {
	service := &corev1.Service{}
	service.Name, service.Namespace = "pi-driver-svc", "spark"
	pods := []corev1.Pod{
		{Status: corev1.PodStatus{Phase: corev1.PodFailed, PodIP: "127.60.0.1"}},
		{Status: corev1.PodStatus{Phase: corev1.PodPending}},
		{Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "127.60.0.2"}},
	}
	want := "127.60.0.2 pi-driver-svc.spark.svc pi-driver-svc.spark.svc.cluster.local\n"
	if got := serviceHosts(service, pods); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
