package node

import (
	"context"
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// variables is an environment in order; a later value of a name replaces the
// earlier one.
type variables struct {
	names  []string
	values map[string]string
}

func (v *variables) set(name, value string) {
	if v.values == nil {
		v.values = map[string]string{}
	}
	if _, found := v.values[name]; !found {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

func (v *variables) list() []string {
	list := make([]string, 0, len(v.names))
	for _, name := range v.names {
		list = append(list, name+"="+v.values[name])
	}
	return list
}

// expand replaces $(NAME) by the value of a variable set so far. What is not
// set stays as it is, and $$ stands for $.
func (v *variables) expand(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(text[i:], ')')
			if end < 0 {
				out.WriteString(text[i:])
				return out.String()
			}
			if value, found := v.values[text[i+2:i+end]]; found {
				out.WriteString(value)
			} else {
				out.WriteString(text[i : i+end+1])
			}
			i += end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

// environ is the environment of a container, and what $(NAME) in its arguments
// may refer to: not what the image sets.
func (n *Node) environ(ctx context.Context, pod *corev1.Pod, container *corev1.Container, image *Image) (all, referable *variables, err error) {
	referable = &variables{}
	referable.set("KUBERNETES_SERVICE_HOST", n.apiHost)
	referable.set("KUBERNETES_SERVICE_PORT", n.apiPort)
	referable.set("KUBERNETES_SERVICE_PORT_HTTPS", n.apiPort)
	for _, from := range container.EnvFrom {
		if err := n.addAll(ctx, referable, pod.Namespace, from); err != nil {
			return nil, nil, err
		}
	}
	for _, variable := range container.Env {
		value, found := referable.expand(variable.Value), true
		if variable.ValueFrom != nil {
			if value, found, err = n.valueFrom(ctx, pod, container, variable.ValueFrom); err != nil {
				return nil, nil, fmt.Errorf("variable %s: %w", variable.Name, err)
			}
		}
		if found {
			referable.set(variable.Name, value)
		}
	}
	all = &variables{}
	all.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	all.set("HOSTNAME", hostname(pod))
	all.set("HOME", "/tmp")
	names := make([]string, 0, len(image.Env))
	for name := range image.Env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		all.set(name, image.Env[name])
	}
	for _, name := range referable.names {
		all.set(name, referable.values[name])
	}
	return all, referable, nil
}

func (n *Node) addAll(ctx context.Context, env *variables, namespace string, from corev1.EnvFromSource) error {
	data := map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		found, err := n.client.CoreV1().ConfigMaps(namespace).Get(ctx, from.ConfigMapRef.Name, metav1.GetOptions{})
		if err := unlessOptional(err, from.ConfigMapRef.Optional); err != nil {
			return err
		}
		if err == nil {
			data = found.Data
		}
	case from.SecretRef != nil:
		found, err := n.client.CoreV1().Secrets(namespace).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
		if err := unlessOptional(err, from.SecretRef.Optional); err != nil {
			return err
		}
		if err == nil {
			data = texts(found.Data)
		}
	}
	for name, value := range data {
		env.set(from.Prefix+name, value)
	}
	return nil
}

func (n *Node) valueFrom(ctx context.Context, pod *corev1.Pod, container *corev1.Container, from *corev1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = fieldValue(pod, from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = resourceValue(pod, container, from.ResourceFieldRef, room)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		object, err := n.client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err == nil {
			value, found = object.Data[ref.Key]
		}
		return value, found, keyError(err, found, ref.Key, "config map "+ref.Name, ref.Optional)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		object, err := n.client.CoreV1().Secrets(pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err == nil {
			value, found = texts(object.Data)[ref.Key]
		}
		return value, found, keyError(err, found, ref.Key, "secret "+ref.Name, ref.Optional)
	}
	return "", false, fmt.Errorf("its source is of a kind that process nodes do not know")
}

func keyError(err error, found bool, key, object string, optional *bool) error {
	if err == nil && !found && (optional == nil || !*optional) {
		return fmt.Errorf("couldn't find key %s in %s", key, object)
	}
	return unlessOptional(err, optional)
}

// unlessOptional forgives that an optional object does not exist.
func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func texts(data map[string][]byte) map[string]string {
	out := map[string]string{}
	for key, value := range data {
		out[key] = string(value)
	}
	return out
}

func hostname(pod *corev1.Pod) string {
	name := pod.Name
	if pod.Spec.Hostname != "" {
		name = pod.Spec.Hostname
	}
	// The kernel's limit, which the kubelet heeds in the same way.
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-.")
	}
	return name
}
