package node

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestItemsChooseAndRenameKeys(t *testing.T) {
	dir := t.TempDir()
	set := &fileSet{files: map[string]file{}}
	private := int32(0o400)
	data := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	items := []corev1.KeyToPath{{Key: "a", Path: "deep/er/x", Mode: &private}}
	if err := set.add("config map c", data, items, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second try, as after a failure, must work
		if err := set.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "deep/er/x")
	if text, err := os.ReadFile(path); err != nil || string(text) != "1" {
		t.Errorf("read %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
		t.Error("a key that was not chosen is there")
	}
}

func TestMissingKeys(t *testing.T) {
	set := &fileSet{files: map[string]file{}}
	items := []corev1.KeyToPath{{Key: "none", Path: "x"}}
	if err := set.add("secret s", nil, items, nil, 0o644); err == nil {
		t.Error("a missing key is no error")
	}
	optional := true
	if err := set.add("secret s", nil, items, &optional, 0o644); err != nil {
		t.Errorf("a missing optional key is an error: %v", err)
	}
}

func TestPathsStayInTheVolume(t *testing.T) {
	set := &fileSet{files: map[string]file{"../out": {data: []byte("x")}}}
	if err := set.write(filepath.Join(t.TempDir(), "volume")); err == nil {
		t.Error("a file was written outside the volume")
	}
}

func TestSeekToTail(t *testing.T) {
	for _, c := range []struct {
		text  string
		lines int
		want  string
	}{
		{"a\nb\nc\n", 2, "b\nc\n"},
		{"a\nb\nc", 1, "c"},
		{"a\nb\n", 5, "a\nb\n"},
		{"", 3, ""},
		{"a\n", 0, ""},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if err := seekToTail(log, c.lines); err != nil {
			t.Fatal(err)
		}
		rest := make([]byte, 100)
		n, _ := log.Read(rest)
		if got := string(rest[:n]); got != c.want {
			t.Errorf("last %d lines of %q = %q, want %q", c.lines, c.text, got, c.want)
		}
	}
}
