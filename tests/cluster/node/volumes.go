package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volume is a prepared volume of a pod.
type volume struct {
	path string
	// readOnly volumes are filled by the node and not to be written to.
	readOnly bool
}

// prepareVolumes makes the volumes of a pod below dir. It fails when an object
// that a volume shows does not exist yet; it can then be called again.
func (n *Node) prepareVolumes(ctx context.Context, pod *corev1.Pod, dir string) (map[string]volume, error) {
	volumes := map[string]volume{}
	for i := range pod.Spec.Volumes {
		source := &pod.Spec.Volumes[i]
		path := filepath.Join(dir, source.Name)
		prepared, err := n.prepareVolume(ctx, pod, source, path)
		if err != nil {
			return nil, fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", source.Name, err)
		}
		volumes[source.Name] = prepared
	}
	return volumes, nil
}

func (n *Node) prepareVolume(ctx context.Context, pod *corev1.Pod, source *corev1.Volume, path string) (volume, error) {
	if source.HostPath != nil {
		return hostPath(source.HostPath)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return volume{}, err
	}
	files := &fileSet{pod: pod, files: map[string]file{}}
	var err error
	switch {
	case source.EmptyDir != nil:
		// Anyone may write, whatever the node's umask says.
		return volume{path: path}, os.Chmod(path, 0o777)
	case source.ConfigMap != nil:
		s := source.ConfigMap
		err = n.addConfigMap(ctx, files, s.Name, s.Items, s.Optional, mode(s.DefaultMode))
	case source.Secret != nil:
		s := source.Secret
		err = n.addSecret(ctx, files, s.SecretName, s.Items, s.Optional, mode(s.DefaultMode))
	case source.DownwardAPI != nil:
		err = n.addDownward(files, source.DownwardAPI.Items, mode(source.DownwardAPI.DefaultMode))
	case source.Projected != nil:
		for i := range source.Projected.Sources {
			if err == nil {
				err = n.addProjected(ctx, files, &source.Projected.Sources[i], mode(source.Projected.DefaultMode))
			}
		}
	default:
		err = fmt.Errorf("process nodes know no volumes of this kind; see tests/cluster/README.md")
	}
	if err != nil {
		return volume{}, err
	}
	return volume{path: path, readOnly: true}, files.write(path)
}

func mode(given *int32) os.FileMode {
	if given == nil {
		return 0o644
	}
	return os.FileMode(*given)
}

func hostPath(source *corev1.HostPathVolumeSource) (volume, error) {
	kind := corev1.HostPathUnset
	if source.Type != nil {
		kind = *source.Type
	}
	var err error
	switch kind {
	case corev1.HostPathDirectoryOrCreate:
		err = os.MkdirAll(source.Path, 0o755)
	case corev1.HostPathFileOrCreate:
		var made *os.File
		if made, err = os.OpenFile(source.Path, os.O_CREATE, 0o644); err == nil {
			err = made.Close()
		}
	case corev1.HostPathUnset:
		// As container runtimes do.
		if _, missing := os.Stat(source.Path); missing != nil {
			err = os.MkdirAll(source.Path, 0o755)
		}
	default:
		_, err = os.Stat(source.Path)
	}
	return volume{path: source.Path}, err
}

func (n *Node) addProjected(ctx context.Context, files *fileSet, source *corev1.VolumeProjection, mode os.FileMode) error {
	switch {
	case source.ServiceAccountToken != nil:
		return n.addToken(ctx, files, source.ServiceAccountToken)
	case source.ConfigMap != nil:
		return n.addConfigMap(ctx, files, source.ConfigMap.Name, source.ConfigMap.Items, source.ConfigMap.Optional, mode)
	case source.Secret != nil:
		return n.addSecret(ctx, files, source.Secret.Name, source.Secret.Items, source.Secret.Optional, mode)
	case source.DownwardAPI != nil:
		return n.addDownward(files, source.DownwardAPI.Items, mode)
	}
	return fmt.Errorf("process nodes know no projected sources of this kind")
}

func (n *Node) addToken(ctx context.Context, files *fileSet, source *corev1.ServiceAccountTokenProjection) error {
	pod := files.pod
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		// Bound to the pod: the token ends with it.
		BoundObjectRef: &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	answer, err := n.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("asking for a token: %w", err)
	}
	files.files[source.Path] = file{[]byte(answer.Status.Token), 0o644}
	return nil
}

func (n *Node) addConfigMap(ctx context.Context, files *fileSet, name string, items []corev1.KeyToPath, optional *bool, mode os.FileMode) error {
	object, err := n.client.CoreV1().ConfigMaps(files.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return unlessOptional(err, optional)
	}
	data := map[string][]byte{}
	for key, value := range object.Data {
		data[key] = []byte(value)
	}
	for key, value := range object.BinaryData {
		data[key] = value
	}
	return files.add("config map "+name, data, items, optional, mode)
}

func (n *Node) addSecret(ctx context.Context, files *fileSet, name string, items []corev1.KeyToPath, optional *bool, mode os.FileMode) error {
	object, err := n.client.CoreV1().Secrets(files.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return unlessOptional(err, optional)
	}
	return files.add("secret "+name, object.Data, items, optional, mode)
}

func (n *Node) addDownward(files *fileSet, items []corev1.DownwardAPIVolumeFile, defaultMode os.FileMode) error {
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = fieldValue(files.pod, item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			value, err = resourceValue(files.pod, &files.pod.Spec.Containers[0], item.ResourceFieldRef, room)
		}
		if err != nil {
			return err
		}
		files.files[item.Path] = file{[]byte(value), modeOr(item.Mode, defaultMode)}
	}
	return nil
}

func modeOr(given *int32, otherwise os.FileMode) os.FileMode {
	if given == nil {
		return otherwise
	}
	return os.FileMode(*given)
}

// fileSet is the contents of a volume that the node fills.
type fileSet struct {
	pod   *corev1.Pod
	files map[string]file
}

type file struct {
	data []byte
	mode os.FileMode
}

// add adds the keys of an object: all of them, or those that items choose.
func (s *fileSet) add(object string, data map[string][]byte, items []corev1.KeyToPath, optional *bool, mode os.FileMode) error {
	if len(items) == 0 {
		for key, value := range data {
			s.files[key] = file{value, mode}
		}
		return nil
	}
	for _, item := range items {
		value, found := data[item.Key]
		if !found {
			if optional != nil && *optional {
				continue
			}
			return fmt.Errorf("%s references non-existent config key: %s", object, item.Key)
		}
		s.files[item.Path] = file{value, modeOr(item.Mode, mode)}
	}
	return nil
}

func (s *fileSet) write(dir string) error {
	for name, content := range s.files {
		path := filepath.Join(dir, name)
		if !strings.HasPrefix(path, dir+"/") {
			return fmt.Errorf("the path %q leads out of the volume", name)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		// A mode without write permission would fail a second try.
		_ = os.Remove(path)
		if err := os.WriteFile(path, content.data, 0o600); err != nil {
			return err
		}
		if err := os.Chmod(path, content.mode); err != nil {
			return err
		}
	}
	return nil
}
