package sandbox

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResolveFollowsLinksAsTheContainerSeesThem(t *testing.T) {
	image := t.TempDir()
	if err := os.Mkdir(filepath.Join(image, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"relative": "real", "absolute": "/image/real", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(image, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := plan([]Mount{{Source: image, Target: "/image", Fixed: true}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/image/relative/x":         "/image/real/x",
		"/image/absolute/x/y":       "/image/real/x/y",
		"/image/real/../relative":   "/image/real",
		"/image/none/none":          "/image/none/none",
		"/no/such//place/./at/all/": "/no/such/place/at/all",
	} {
		if got, err := root.resolve(path); err != nil || got != want {
			t.Errorf("resolve(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"relative", "/image/loop"} {
		if got, err := root.resolve(path); err == nil {
			t.Errorf("resolve(%q) = %q, want an error", path, got)
		}
	}
}

func TestFitsOnlyWhereMountPointsExist(t *testing.T) {
	host, volume := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(host, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(host, "a/file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/a/b": true, "/a/c": false, "/a/b/c": false, "/a/file": false} {
		root := &tree{}
		root.at(path).mount = &Mount{Source: volume}
		if got := root.fits(host); got != want {
			t.Errorf("fits with a folder at %s = %v, want %v", path, got, want)
		}
	}
}
