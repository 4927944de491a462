package audit

import (
	"reflect"
	"strings"
	"testing"
)

const sample = `{"auditID":"1","stage":"ResponseComplete","verb":"create","user":{"username":"system:serviceaccount:spark:spark"},"userAgent":"stoker/0.1.0 (linux)","objectRef":{"resource":"pods","namespace":"spark","name":"a-exec-1"},"responseStatus":{"code":201}}
{"auditID":"2","stage":"ResponseComplete","verb":"create","user":{"username":"system:serviceaccount:spark:spark"},"userAgent":"stoker/0.1.0 (linux)","objectRef":{"resource":"pods","namespace":"spark","name":"a-exec-1"},"responseStatus":{"code":409}}
{"auditID":"3","stage":"ResponseStarted","verb":"watch","userAgent":"stoker/0.1.0","objectRef":{"resource":"pods","namespace":"spark"},"responseStatus":{"code":200}}
{"auditID":"3","stage":"ResponseComplete","verb":"watch","userAgent":"stoker/0.1.0","objectRef":{"resource":"pods","namespace":"spark"},"responseStatus":{"code":200}}
{"auditID":"4","stage":"ResponseComplete","verb":"create","userAgent":"kube-scheduler/v1","objectRef":{"resource":"pods","subresource":"binding","namespace":"spark","name":"a-exec-1"},"responseStatus":{"code":201}}
{"auditID":"5","stage":"ResponseComplete","verb":"get","userAgent":"stoker/0.1.0"}
{"auditID":"6","stage":"Respo`

func TestSummariseCountsRequestsOnce(t *testing.T) {
	got, err := Summarise(strings.NewReader(sample), "stoker/")
	if err != nil {
		t.Fatal(err)
	}
	want := &Summary{
		Requests: []Request{
			{UserAgent: "stoker/0.1.0", Verb: "create", Resource: "pods", Count: 2},
			{UserAgent: "stoker/0.1.0", Verb: "watch", Resource: "pods", Count: 1},
		},
		PodCreates: []PodCreate{
			{Namespace: "spark", Name: "a-exec-1", Code: 201, UserAgent: "stoker/0.1.0", User: "system:serviceaccount:spark:spark"},
			{Namespace: "spark", Name: "a-exec-1", Code: 409, UserAgent: "stoker/0.1.0", User: "system:serviceaccount:spark:spark"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSummariseKeepsSubresourcesApart(t *testing.T) {
	got, err := Summarise(strings.NewReader(sample), "kube-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Requests) != 1 || got.Requests[0].Subresource != "binding" || len(got.PodCreates) != 0 {
		t.Errorf("a binding is not a pod's creation: %+v", got)
	}
}

func TestSummariseNamesTheBrokenLine(t *testing.T) {
	_, err := Summarise(strings.NewReader("{}\nnonsense\n"), "")
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}
