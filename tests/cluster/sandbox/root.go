package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// builder builds the container's file system on a tmpfs: each entry of the
// host's root folder is mounted into it, and where mount points are missing on
// the host the folders on the way are rebuilt, entry by entry. So nothing is
// ever created on the host.
type builder struct{ root string }

// enter builds the file system and makes it this process's root.
func enter(spec *Spec) error {
	// Nothing mounted from here on may show outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := unix.Mount("stoker", spec.Root, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mounting a tmpfs at %s: %w", spec.Root, err)
	}
	// The folder itself is part of a tree that is about to be mounted into it:
	// it must be left out there.
	if err := unix.Mount("", spec.Root, "", unix.MS_UNBINDABLE, ""); err != nil {
		return fmt.Errorf("making %s unbindable: %w", spec.Root, err)
	}
	root, err := plan(spec.Mounts, spec.Dir)
	if err != nil {
		return err
	}
	b := &builder{spec.Root}
	if err := b.rebuild("/", "/", root); err != nil {
		return err
	}
	return b.pivot()
}

// place puts one path into the new file system. source is the host's file that
// would show there, "" when there is none.
func (b *builder) place(path, source string, t *tree) error {
	if t.mount != nil {
		if t.mount.Fixed && len(t.children) > 0 && !t.fits(t.mount.Source) {
			return b.rebuild(path, t.mount.Source, t)
		}
		for _, name := range t.names() {
			if err := b.makePointIn(t.mount.Source, name, t.children[name]); err != nil {
				return err
			}
		}
		if err := b.bind(path, t.mount.Source, t.mount.ReadOnly); err != nil {
			return err
		}
		return b.over(path, t)
	}
	if source == "" || !t.fits(source) {
		return b.rebuild(path, source, t)
	}
	if err := b.bindHost(path, source); err != nil {
		return err
	}
	return b.over(path, t)
}

// over mounts what is below a path that is complete already.
func (b *builder) over(path string, t *tree) error {
	for _, name := range t.names() {
		child, below := t.children[name], filepath.Join(path, name)
		if child.mount != nil {
			if err := b.place(below, "", child); err != nil {
				return err
			}
		} else if err := b.over(below, child); err != nil {
			return err
		}
	}
	return nil
}

// makePointIn makes the mount points below a volume in the volume, as a
// container runtime does.
func (b *builder) makePointIn(source, name string, t *tree) error {
	path := filepath.Join(source, name)
	dir := true
	if t.mount != nil {
		info, err := os.Stat(t.mount.Source)
		if err != nil {
			return err
		}
		dir = info.IsDir()
	}
	if err := makePoint(path, dir); err != nil {
		return err
	}
	if t.mount != nil {
		return nil // what is below it is made when it is placed
	}
	for _, below := range t.names() {
		if err := b.makePointIn(path, below, t.children[below]); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes a folder with the entries of the host's one, each mounted.
func (b *builder) rebuild(path, source string, t *tree) error {
	if err := os.MkdirAll(filepath.Join(b.root, path), 0o755); err != nil {
		return err
	}
	exists := map[string]bool{}
	if source != "" {
		entries, err := os.ReadDir(source)
		if err != nil {
			return fmt.Errorf("%s has to be rebuilt, as something is mounted below it: %w", path, err)
		}
		for _, entry := range entries {
			exists[entry.Name()] = true
			if t.children[entry.Name()] != nil {
				continue
			}
			if err := b.bindHost(filepath.Join(path, entry.Name()), filepath.Join(source, entry.Name())); err != nil {
				return err
			}
		}
	}
	for _, name := range t.names() {
		below := ""
		if exists[name] {
			below = filepath.Join(source, name)
		}
		if err := b.place(filepath.Join(path, name), below, t.children[name]); err != nil {
			return err
		}
	}
	return nil
}

// bindHost shows an entry of the host: read-only, but for devices.
func (b *builder) bindHost(path, source string) error {
	info, err := os.Lstat(source)
	if err != nil {
		return nil // gone meanwhile
	}
	switch {
	case path == "/proc":
		return b.proc()
	case info.Mode()&os.ModeSymlink != 0:
		link, err := os.Readlink(source)
		if err != nil {
			return err
		}
		return os.Symlink(link, filepath.Join(b.root, path))
	}
	return b.bind(path, source, path != "/dev")
}

// proc mounts the process table of the new PID namespace. Where the kernel
// forbids it (a user namespace in a container that hides parts of /proc) the
// host's has to do.
func (b *builder) proc() error {
	target := filepath.Join(b.root, "proc")
	if err := os.MkdirAll(target, 0o555); err != nil {
		return err
	}
	if unix.Mount("proc", target, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") == nil {
		return nil
	}
	return b.bind("/proc", "/proc", false)
}

func (b *builder) bind(path, source string, readOnly bool) error {
	info, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("mounting at %s: %w", path, err)
	}
	target := filepath.Join(b.root, path)
	if err := makePoint(target, info.IsDir()); err != nil {
		return fmt.Errorf("making the mount point %s: %w", path, err)
	}
	// Recursive: a user namespace may not tear mounts of its parent apart.
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", source, path, err)
	}
	if !readOnly {
		return nil
	}
	attributes := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	err = unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &attributes)
	if err != nil && err != unix.ENOSYS { // kernels before 5.12: left writable
		return fmt.Errorf("making %s read-only: %w", path, err)
	}
	return nil
}

// pivot makes the new file system the root and forgets the old one.
func (b *builder) pivot() error {
	if err := os.Chdir(b.root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	// The old root is now mounted over the new one.
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the old root: %w", err)
	}
	return os.Chdir("/")
}
