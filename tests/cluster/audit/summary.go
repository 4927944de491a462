// Package audit reads the API server's audit log.
package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// event is the part of an audit event that is read.
type event struct {
	AuditID   string `json:"auditID"`
	Stage     string `json:"stage"`
	Verb      string `json:"verb"`
	UserAgent string `json:"userAgent"`
	User      struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef *struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus *struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// Request counts equal requests.
type Request struct {
	UserAgent   string `json:"userAgent"`
	Verb        string `json:"verb"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	Count       int    `json:"count"`
}

// PodCreate is one request to make a pod.
type PodCreate struct {
	Namespace string `json:"namespace"`
	// Name is empty when the server was asked to choose it.
	Name      string `json:"name"`
	Code      int    `json:"code"`
	UserAgent string `json:"userAgent"`
	User      string `json:"user"`
}

// Summary is what a log tells.
type Summary struct {
	Requests   []Request   `json:"requests"`
	PodCreates []PodCreate `json:"podCreates"`
}

// Summarise reads a log, one JSON object a line, and counts the requests whose
// user agent begins with the prefix. A request counts once, at its first
// recorded stage: a watch counts when it begins.
func Summarise(log io.Reader, userAgentPrefix string) (*Summary, error) {
	counts := map[Request]int{}
	seen := map[string]bool{}
	summary := &Summary{Requests: []Request{}, PodCreates: []PodCreate{}}
	lines := bufio.NewReader(log)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// A line without an end is still being written.
			break
		}
		if err != nil {
			return nil, err
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("line %d is not an audit event: %w", number, err)
		}
		if e.ObjectRef == nil || seen[e.AuditID] || !strings.HasPrefix(e.UserAgent, userAgentPrefix) {
			continue
		}
		seen[e.AuditID] = true
		agent, _, _ := strings.Cut(e.UserAgent, " ")
		counts[Request{UserAgent: agent, Verb: e.Verb, Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource}]++
		if e.Verb == "create" && e.ObjectRef.Resource == "pods" && e.ObjectRef.Subresource == "" {
			code := 0
			if e.ResponseStatus != nil {
				code = e.ResponseStatus.Code
			}
			summary.PodCreates = append(summary.PodCreates, PodCreate{
				Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name, Code: code,
				UserAgent: agent, User: e.User.Username,
			})
		}
	}
	for request, count := range counts {
		request.Count = count
		summary.Requests = append(summary.Requests, request)
	}
	sort.Slice(summary.Requests, func(i, j int) bool {
		a, b := summary.Requests[i], summary.Requests[j]
		return a.UserAgent+" "+a.Resource+" "+a.Subresource+" "+a.Verb < b.UserAgent+" "+b.Resource+" "+b.Subresource+" "+b.Verb
	})
	return summary, nil
}
