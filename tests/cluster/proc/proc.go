// Package proc starts child processes that cannot outlive this one, and stops
// them in an orderly way.
package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

type startRequest struct {
	cmd  *exec.Cmd
	done chan error
}

var starts = make(chan startRequest)

func init() {
	// The kernel sends the parent-death signal when the thread that forked
	// ends, not the process, and the Go runtime ends threads when it likes.
	// So one thread that never ends forks every child.
	go func() {
		runtime.LockOSThread()
		for request := range starts {
			request.done <- request.cmd.Start()
		}
	}()
}

// Start starts the command; the kernel kills it when this process dies,
// however that happens.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	request := startRequest{cmd, make(chan error, 1)}
	starts <- request
	return <-request.done
}

// Child is a running program of the cluster.
type Child struct {
	Name    string
	LogFile string
	cmd     *exec.Cmd
	// exited is closed once the program has ended and err is set.
	exited chan struct{}
	err    error
	// asked is set before this process ends the program.
	asked atomic.Bool
}

// Run starts a program with its output appended to logDir/name.log, in a
// process group of its own: a Ctrl-C in the terminal reaches only the
// launcher, which then stops the children in order.
func Run(logDir, name, path string, args ...string) (*Child, error) {
	logFile := filepath.Join(logDir, name+".log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := Start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	child := &Child{Name: name, LogFile: logFile, cmd: cmd, exited: make(chan struct{})}
	go func() {
		child.err = cmd.Wait()
		close(child.exited)
	}()
	return child, nil
}

// Exited is closed when the program has ended.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// ExitError tells how the program ended and where to read why.
func (c *Child) ExitError() error {
	state := "exit status 0"
	if c.err != nil {
		state = c.err.Error()
	}
	return fmt.Errorf("%s ended (%s); its last words are in %s:\n%s", c.Name, state, c.LogFile, tail(c.LogFile))
}

// Asked is whether the program was ended by this process.
func (c *Child) Asked() bool { return c.asked.Load() }

// Kill ends the program as a crash would, and waits for its end.
func (c *Child) Kill() {
	c.asked.Store(true)
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// Stop asks the program to end, and kills it if it takes longer than grace.
func (c *Child) Stop(grace time.Duration) {
	c.asked.Store(true)
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(grace):
		c.Kill()
	}
}

// tail returns the end of a file, for error messages.
func tail(path string) string {
	const most = 2000
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > most {
		_, _ = file.Seek(-most, 2)
	}
	buffer := make([]byte, most)
	n, _ := file.Read(buffer)
	return string(buffer[:n])
}
