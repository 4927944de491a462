package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"stoker.local/tests/cluster/proc"
)

// Process is a running container.
type Process struct {
	cmd    *exec.Cmd
	socket *os.File
	lines  *bufio.Reader
	exited chan struct{}
	code   int
}

// Start starts a container and returns once its command runs. dir is a folder
// of the container's own; its output goes to log.
func Start(spec *Spec, dir string, log *os.File) (*Process, error) {
	spec.Root = filepath.Join(dir, "root")
	if err := os.MkdirAll(spec.Root, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	specFile := filepath.Join(dir, "sandbox.json")
	if err := os.WriteFile(specFile, text, 0o600); err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "socket"), os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe", "init-pod", specFile)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = namespaces()
	if err := proc.Start(cmd); err != nil {
		ours.Close()
		return nil, fmt.Errorf("making namespaces: %w; the kernel must allow user namespaces, or run as root", err)
	}
	p := &Process{cmd: cmd, socket: ours, lines: bufio.NewReader(ours), exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			p.code = 128 + int(status.Signal())
		}
		close(p.exited)
	}()
	theirs.Close()
	answer, err := p.receive()
	if err == nil && !answer.Started {
		err = errors.New(answer.Error)
	}
	if err != nil {
		p.Kill()
		<-p.exited
		ours.Close()
		return nil, err
	}
	return p, nil
}

func namespaces() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Setsid:     true,
	}
	if os.Geteuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attributes
}

func (p *Process) receive() (message, error) {
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return message{}, errors.New("the container's first process ended before it could say why")
	}
	var m message
	return m, json.Unmarshal(line, &m)
}

// Pid is the process id of the container's first process, as the host sees it.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited is closed when the container has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Code is the exit code, once Exited.
func (p *Process) Code() int { return p.code }

// Exec runs a further command in the container and returns its exit code.
// One runs at a time.
func (p *Process) Exec(args []string) (int, error) {
	if _, err := p.socket.Write(message{Exec: args}.line()); err != nil {
		return 0, err
	}
	answer, err := p.receive()
	if err != nil {
		return 0, err
	}
	if answer.ExecCode == nil || answer.Error != "" {
		return 0, errors.New(answer.Error)
	}
	return *answer.ExecCode, nil
}

// Terminate asks the command to end.
func (p *Process) Terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// Kill ends the container with all its processes.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Close frees what remains of an exited container.
func (p *Process) Close() { _ = p.socket.Close() }
