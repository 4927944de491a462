package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Image is what an image name stands for: files of the host instead of layers.
type Image struct {
	// Binds maps paths of the container to files or folders of the host.
	Binds      map[string]string `json:"binds"`
	Entrypoint []string          `json:"entrypoint"`
	Cmd        []string          `json:"cmd"`
	WorkingDir string            `json:"workingDir"`
	Env        map[string]string `json:"env"`
}

var errUnknownImage = errors.New("unknown image")

// findImage reads the mapping afresh each time: it may change at any time.
func findImage(file, name string) (*Image, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w %q: write %s, see tests/cluster/README.md", errUnknownImage, name, file)
	}
	if err != nil {
		return nil, err
	}
	var images map[string]*Image
	if err := json.Unmarshal(text, &images); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	image := images[name]
	if image == nil {
		return nil, fmt.Errorf("%w %q: add it to %s", errUnknownImage, name, file)
	}
	for path, source := range image.Binds {
		if !filepath.IsAbs(path) || !filepath.IsAbs(source) {
			return nil, fmt.Errorf("%s: image %q binds %q to %q: both must be absolute paths", file, name, source, path)
		}
		if _, err := os.Stat(source); err != nil {
			return nil, fmt.Errorf("%s: image %q: %w", file, name, err)
		}
	}
	return image, nil
}
