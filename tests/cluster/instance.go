package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lock makes sure that a folder belongs to one instance. The lock goes with
// the process, so that a killed instance leaves nothing to clean up by hand.
func lock(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, "pid"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		text := make([]byte, 20)
		n, _ := file.Read(text)
		return nil, fmt.Errorf("%s belongs to the running instance with process id %s; stop it with `stoker-cluster down --dir %s` or choose another folder",
			dir, strings.TrimSpace(string(text[:n])), dir)
	}
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(file, "%d\n", os.Getpid()); err != nil {
		return nil, err
	}
	return func() {
		_ = os.Remove(file.Name())
		_ = file.Close()
	}, nil
}

// removeInstance removes what only a running instance needs. Its logs and the
// audit log stay, for those who ask what happened.
func removeInstance(dir string) error {
	names := []string{
		"env", "kubeconfig", "driver.kubeconfig", "spark.token", "noaccess.token", "ca.crt",
		"etcd", "pki", "pods", "audit-policy.yaml", "scheduler.yaml", "kwok.yaml",
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// detach starts the same command in a session of its own and returns once it
// has said that it is ready.
func detach(o *upOptions, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	foreground := []string{"up"}
	for _, arg := range args {
		if name := strings.TrimLeft(arg, "-"); name != "detach" && !strings.HasPrefix(name, "detach=") {
			foreground = append(foreground, arg)
		}
	}
	logFile := filepath.Join(o.dir, "up.log")
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self, foreground...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "ready" {
			fmt.Println("ready")
			return cmd.Process.Release()
		}
	}
	_ = cmd.Wait()
	text, _ := os.ReadFile(logFile)
	return fmt.Errorf("the cluster did not start:\n%s", text)
}

func down(args []string) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of the instance (required)")
	timeout := flags.Duration("timeout", time.Minute, "longest time to wait for the end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("--dir is required: name the folder given to `stoker-cluster up`")
	}
	file, err := os.Open(filepath.Join(*dir, "pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing runs there
	}
	if err != nil {
		return err
	}
	defer file.Close()
	held := func() bool {
		if unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
			return true
		}
		_ = unix.Flock(int(file.Fd()), unix.LOCK_UN)
		return false
	}
	if !held() {
		// Left by an instance that was killed: only its files are there.
		_ = os.Remove(file.Name())
		return removeInstance(*dir)
	}
	pid, err := holder(file)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("signalling process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(*timeout); held(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d still runs after %s; kill -9 it, its children end with it", pid, *timeout)
		}
	}
	return nil
}

// holder is the process that a pid file names.
func holder(file *os.File) (int, error) {
	text := make([]byte, 20)
	n, _ := file.Read(text)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a process id; end the instance by hand", file.Name())
	}
	return pid, nil
}
