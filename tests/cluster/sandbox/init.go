package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// socketFd is where the parent put its end of the socket.
const socketFd = 3

// Init is the first process of a container: it builds the file system, starts
// the command, passes signals on, reaps what is orphaned, and ends as the
// command ended. When it ends the kernel kills all other processes of the
// container.
func Init(specFile string) error {
	socket := os.NewFile(socketFd, "socket")
	// Commands must not inherit it.
	syscall.CloseOnExec(socketFd)
	fail := func(err error) error {
		_, _ = socket.Write(message{Error: err.Error()}.line())
		return err
	}
	text, err := os.ReadFile(specFile)
	if err != nil {
		return fail(err)
	}
	var spec Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fail(err)
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	if err := syscall.Sethostname([]byte(spec.Hostname)); err != nil {
		return fail(fmt.Errorf("setting the host name: %w", err))
	}
	if err := enter(&spec); err != nil {
		return fail(err)
	}
	main, err := spawn(&spec, spec.Args)
	if err != nil {
		return fail(err)
	}
	if _, err := socket.Write(message{Started: true}.line()); err != nil {
		return err
	}
	commands := make(chan []string)
	go readCommands(socket, commands)
	// The commands of hooks that run, by process id.
	hooks := map[int]bool{}
	for {
		select {
		case args := <-commands:
			if pid, err := spawn(&spec, args); err != nil {
				code := 127
				_, _ = socket.Write(message{ExecCode: &code, Error: err.Error()}.line())
			} else {
				hooks[pid] = true
			}
		case received := <-signals:
			switch received {
			case syscall.SIGCHLD:
			case syscall.SIGURG: // the Go runtime's own
				continue
			default:
				_ = syscall.Kill(main, received.(syscall.Signal))
				continue
			}
		}
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
			code := status.ExitStatus()
			if status.Signaled() {
				code = 128 + int(status.Signal())
			}
			if pid == main {
				os.Exit(code)
			}
			if hooks[pid] {
				delete(hooks, pid)
				_, _ = socket.Write(message{ExecCode: &code}.line())
			}
		}
	}
}

func readCommands(socket io.Reader, commands chan<- []string) {
	lines := bufio.NewReader(socket)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(line, &m) == nil && len(m.Exec) > 0 {
			commands <- m.Exec
		}
	}
}

// spawn starts a command of the container in a session of its own.
func spawn(spec *Spec, args []string) (int, error) {
	path, err := lookPath(args[0], spec)
	if err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir: spec.Dir, Env: spec.Env, Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("running %s: %w", path, err)
	}
	return pid, nil
}

// lookPath finds a program by the container's PATH, not by this process's.
func lookPath(name string, spec *Spec) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(spec.Dir, name)
		}
		_, err := exec.LookPath(name)
		return name, err
	}
	for _, variable := range spec.Env {
		value, found := strings.CutPrefix(variable, "PATH=")
		if !found {
			continue
		}
		for _, dir := range filepath.SplitList(value) {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
