// Package setup brings a running cluster into the state that tests expect.
package setup

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"stoker.local/tests/cluster/manifests"
)

const (
	managedBy    = "app.kubernetes.io/managed-by"
	managedByUs  = "stoker-cluster"
	fieldManager = "stoker-cluster"
)

// Namespaces are the namespaces of an instance.
func Namespaces(namespace string) []string { return []string{namespace, namespace + "-noaccess"} }

// resources maps the kinds in the manifests to the paths of the API.
var resources = map[string]schema.GroupVersionResource{
	"Namespace":      {Version: "v1", Resource: "namespaces"},
	"ServiceAccount": {Version: "v1", Resource: "serviceaccounts"},
	"Role":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":    {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
}

// Apply creates the namespaces, accounts and roles, or brings those of an
// earlier start up to date.
func Apply(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(manifests.RBAC, "NAMESPACE", namespace)
	for _, document := range strings.Split(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return fmt.Errorf("manifests/rbac.yaml: %w", err)
		}
		resource, ok := resources[object.GetKind()]
		if !ok {
			return fmt.Errorf("manifests/rbac.yaml: kind %q is not known to setup/apply.go", object.GetKind())
		}
		target := client.Resource(resource).Namespace(object.GetNamespace())
		_, err := target.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		if err != nil {
			return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// Claim refuses to touch namespaces of the user's own cluster that this
// program did not make.
func Claim(ctx context.Context, client kubernetes.Interface, namespace string) error {
	for _, name := range Namespaces(namespace) {
		found, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for the namespace %s: %w", name, err)
		}
		if found.Labels[managedBy] != managedByUs {
			return fmt.Errorf("the namespace %s exists and was not made by stoker-cluster; "+
				"choose another with --namespace, or unset KUBECONFIG to start a cluster of its own", name)
		}
	}
	return nil
}

// Release deletes the namespaces, with all that is in them.
func Release(ctx context.Context, client kubernetes.Interface, namespace string) error {
	for _, name := range Namespaces(namespace) {
		err := client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting the namespace %s: %w", name, err)
		}
	}
	return nil
}

// AccountsReady tells whether pods can be made in the namespaces: the
// controllers have made the default account and the certificate that every pod
// mounts.
func AccountsReady(ctx context.Context, client kubernetes.Interface, namespace string) bool {
	for _, name := range Namespaces(namespace) {
		_, err := client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return false
		}
		_, err = client.CoreV1().ConfigMaps(name).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		if err != nil {
			return false
		}
	}
	return true
}

// ListNodes lists all nodes.
func ListNodes(ctx context.Context, client kubernetes.Interface) ([]corev1.Node, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}
