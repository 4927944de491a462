package proc

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// WatchParent returns a channel that is closed when the parent process ends.
//
// PR_SET_PDEATHSIG would not do: it fires when the parent's forking thread
// ends, and a test harness runs each test in a thread of its own.
func WatchParent() (<-chan struct{}, error) {
	parent := os.Getppid()
	fd, err := unix.PidfdOpen(parent, 0)
	gone := make(chan struct{})
	if err == unix.ESRCH || parent == 1 || os.Getppid() != parent {
		close(gone)
		return gone, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watching the parent process %d: %w", parent, err)
	}
	go func() {
		defer unix.Close(fd)
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			if n, err := unix.Poll(poll, -1); n > 0 || (err != nil && err != unix.EINTR) {
				close(gone)
				return
			}
		}
	}()
	return gone, nil
}
