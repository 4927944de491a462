package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// tree is the part of the container's file system that differs from the
// host's: a node for every mount, and for every folder on the way to one.
type tree struct {
	children map[string]*tree
	mount    *Mount
}

func (t *tree) child(name string) *tree {
	if t.children == nil {
		t.children = map[string]*tree{}
	}
	if t.children[name] == nil {
		t.children[name] = &tree{}
	}
	return t.children[name]
}

// names are the children in a fixed order, so that errors are reproducible.
func (t *tree) names() []string {
	names := make([]string, 0, len(t.children))
	for name := range t.children {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (t *tree) at(path string) *tree {
	for _, name := range parts(path) {
		t = t.child(name)
	}
	return t
}

// plan sorts the mounts into a tree. Targets are resolved as the container
// sees them: /var/run/secrets is /run/secrets where /var/run is a link.
func plan(mounts []Mount, dirs ...string) (*tree, error) {
	root := &tree{}
	for i := range mounts {
		target, err := root.resolve(mounts[i].Target)
		if err != nil {
			return nil, err
		}
		root.at(target).mount = &mounts[i]
	}
	for _, dir := range dirs {
		target, err := root.resolve(dir)
		if err != nil {
			return nil, err
		}
		root.at(target)
	}
	return root, nil
}

// host is the file of the host that shows at a path, with the mounts so far.
func (t *tree) host(path string) string {
	source := "/"
	node := t
	for _, name := range parts(path) {
		source = filepath.Join(source, name)
		if node != nil {
			node = node.children[name]
		}
		if node != nil && node.mount != nil {
			source = node.mount.Source
		}
	}
	return source
}

// resolve follows the symbolic links on a path, as far as it exists.
func (t *tree) resolve(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("the mount path %q is not absolute", path)
	}
	done, rest := "/", parts(path)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		link, err := os.Readlink(t.host(next))
		if err != nil {
			done = next // not a link, or not there
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("too many symbolic links in the mount path %q", path)
		}
		rest = append(parts(link), rest...)
		if filepath.IsAbs(link) {
			done = "/"
		}
	}
	return done, nil
}

// fits tells whether all mount points below are there on the host, so that
// the folder can be shown as it is and mounted over.
func (t *tree) fits(source string) bool {
	for name, child := range t.children {
		path := filepath.Join(source, name)
		info, err := os.Lstat(path)
		if err != nil {
			return false
		}
		if child.mount == nil {
			if !info.IsDir() || !child.fits(path) {
				return false
			}
			continue
		}
		wanted, err := os.Stat(child.mount.Source)
		if err != nil || wanted.IsDir() != info.IsDir() {
			return false
		}
	}
	return true
}

// makePoint makes an empty file or folder to mount on, unless it is there.
func makePoint(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func parts(path string) []string {
	var names []string
	for _, name := range strings.Split(path, "/") {
		// ".." is kept: joining undoes a level, as the kernel would.
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}
