// Package controlplane runs a Kubernetes control plane as child processes.
package controlplane

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"stoker.local/tests/cluster/proc"
)

// Options say where a control plane keeps its files and finds its programs.
type Options struct {
	// Dir holds everything that the instance writes.
	Dir string
	// Program is the binary that is every program of the control plane.
	Program string
	// Assets, when set, is a folder whose etcd and kube-apiserver are used
	// instead (KUBEBUILDER_ASSETS).
	Assets string
	// APIServerArgs are appended to the API server's arguments.
	APIServerArgs []string
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	options Options
	ca      *authority
	port    int
	// signingKey is the file with the key of service account tokens.
	signingKey string
	children   []*proc.Child
	// apiServer is the API server's place among the children, and how it is started.
	apiServer     int
	apiServerArgs []string
	failed        chan error
}

// auditPolicy records who did what, once per request. Watches are recorded
// when they begin as well: they end long after a test has read the log.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`

// Start starts etcd and the API server. They run but need not answer yet when
// it returns: see WaitReady, and StartControllers after that.
func Start(options Options) (*ControlPlane, error) {
	cp := &ControlPlane{options: options, failed: make(chan error, 1)}
	for _, dir := range []string{cp.logDir(), cp.path("etcd")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	if cp.ca, err = newAuthority(cp.path("pki")); err != nil {
		return nil, err
	}
	if err := cp.start(); err != nil {
		cp.Stop()
		return nil, err
	}
	return cp, nil
}

func (cp *ControlPlane) start() error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	etcdPort, peerPort := ports[0], ports[1]
	cp.port = ports[2]
	if err := cp.startEtcd(etcdPort, peerPort); err != nil {
		return err
	}
	private, public, err := cp.ca.signingKey()
	if err != nil {
		return err
	}
	cp.signingKey = private
	return cp.startAPIServer(etcdPort, private, public)
}

// StartControllers starts the controller manager and the scheduler. The former
// gives up where the API server is not ready within ten seconds.
func (cp *ControlPlane) StartControllers() error {
	if err := cp.startControllerManager(cp.signingKey); err != nil {
		return err
	}
	return cp.startScheduler()
}

func (cp *ControlPlane) startEtcd(port, peerPort int) error {
	pair, err := cp.ca.issue("etcd", "etcd", nil, "127.0.0.1", "localhost")
	if err != nil {
		return err
	}
	client := fmt.Sprintf("https://127.0.0.1:%d", port)
	peer := fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return cp.run("etcd",
		"--name=stoker", "--data-dir="+cp.path("etcd"), "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=stoker="+peer,
		"--cert-file="+pair.certFile, "--key-file="+pair.keyFile,
		"--client-cert-auth", "--trusted-ca-file="+cp.ca.file(),
		// The data need not survive the machine, let alone the test.
		"--unsafe-no-fsync",
		// Thousands of pods, each written several times between compactions.
		"--quota-backend-bytes="+strconv.Itoa(8<<30))
}

func (cp *ControlPlane) startAPIServer(etcdPort int, private, public string) error {
	serving, err := cp.ca.issue("kube-apiserver", "kube-apiserver", nil,
		"127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.96.0.1")
	if err != nil {
		return err
	}
	etcdClient, err := cp.ca.issue("kube-apiserver-etcd", "kube-apiserver", nil)
	if err != nil {
		return err
	}
	kubelet, err := cp.ca.issue("kube-apiserver-kubelet", KubeletClient, []string{"system:masters"})
	if err != nil {
		return err
	}
	policy := cp.path("audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o644); err != nil {
		return err
	}
	args := []string{
		fmt.Sprintf("--etcd-servers=https://127.0.0.1:%d", etcdPort),
		"--etcd-cafile=" + cp.ca.file(), "--etcd-certfile=" + etcdClient.certFile, "--etcd-keyfile=" + etcdClient.keyFile,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", cp.port),
		// Without these the server looks for an address of the default route,
		// which a machine without a network does not have, and refuses to
		// publish a loopback address as the endpoint of the service.
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + serving.certFile, "--tls-private-key-file=" + serving.keyFile,
		"--client-ca-file=" + cp.ca.file(),
		"--kubelet-client-certificate=" + kubelet.certFile, "--kubelet-client-key=" + kubelet.keyFile,
		"--kubelet-certificate-authority=" + cp.ca.file(),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + public, "--service-account-signing-key-file=" + private,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--audit-policy-file=" + policy, "--audit-log-path=" + cp.AuditLog(), "--audit-log-format=json",
		// Tests read the log right after the request they ask about.
		"--audit-log-mode=blocking", "--audit-log-maxsize=0",
	}
	cp.apiServer = len(cp.children)
	cp.apiServerArgs = append(args, cp.options.APIServerArgs...)
	return cp.run("kube-apiserver", cp.apiServerArgs...)
}

// KillAPIServer ends the API server as a crash would. All else goes on.
func (cp *ControlPlane) KillAPIServer() { cp.children[cp.apiServer].Kill() }

// RestartAPIServer starts it again, with the port and the data it had.
func (cp *ControlPlane) RestartAPIServer() error {
	cp.KillAPIServer()
	child, err := cp.launch("kube-apiserver", cp.apiServerArgs...)
	if err != nil {
		return err
	}
	cp.children[cp.apiServer] = child
	cp.watch(child)
	return nil
}

func (cp *ControlPlane) startControllerManager(private string) error {
	kubeconfig, err := cp.Kubeconfig("kube-controller-manager", "system:kube-controller-manager", nil)
	if err != nil {
		return err
	}
	return cp.run("kube-controller-manager",
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--leader-elect=false", "--secure-port=0",
		"--service-account-private-key-file="+private, "--root-ca-file="+cp.ca.file(),
		"--use-service-account-credentials",
		// The defaults (20/s) would have the garbage collector take minutes
		// for the executors of one driver of a scale test.
		"--kube-api-qps=1000", "--kube-api-burst=2000")
}

func (cp *ControlPlane) startScheduler() error {
	kubeconfig, err := cp.Kubeconfig("kube-scheduler", "system:kube-scheduler", nil)
	if err != nil {
		return err
	}
	config := cp.path("scheduler.yaml")
	// 50/s by default, which would be the bottleneck of every scale test.
	text := fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 2000, burst: 4000}
`, kubeconfig)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	return cp.run("kube-scheduler", "--config="+config, "--secure-port=0",
		"--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig)
}

// StartKwok starts the controller that plays the kubelets of simulated nodes.
func (cp *ControlPlane) StartKwok() error {
	kubeconfig, err := cp.Kubeconfig("kwok", "stoker-kwok", []string{"system:masters"})
	if err != nil {
		return err
	}
	stages, err := exec.Command(cp.options.Program, "kwok-stages").Output()
	if err != nil {
		return fmt.Errorf("asking %s for the stages of KWOK: %w", cp.options.Program, err)
	}
	config := cp.path("kwok.yaml")
	if err := os.WriteFile(config, stages, 0o644); err != nil {
		return err
	}
	return cp.run("kwok", "--kubeconfig="+kubeconfig, "--config="+config,
		"--manage-all-nodes=false", "--manage-nodes-with-annotation-selector="+KwokAnnotation+"=fake",
		"--node-lease-duration-seconds=40")
}

func (cp *ControlPlane) run(name string, args ...string) error {
	child, err := cp.launch(name, args...)
	if err != nil {
		return err
	}
	cp.Adopt(child)
	return nil
}

func (cp *ControlPlane) launch(name string, args ...string) (*proc.Child, error) {
	path, all := cp.options.Program, append([]string{name}, args...)
	if cp.options.Assets != "" {
		own := filepath.Join(cp.options.Assets, name)
		if _, err := os.Stat(own); err == nil {
			path, all = own, args
		} else if name == "etcd" || name == "kube-apiserver" {
			return nil, fmt.Errorf("KUBEBUILDER_ASSETS is set but has no %s: %w; unset it to use the built one", name, err)
		}
	}
	return proc.Run(cp.logDir(), name, path, all...)
}

// Adopt makes a further program part of the instance: it is stopped with it,
// and its end is an error.
func (cp *ControlPlane) Adopt(child *proc.Child) {
	cp.children = append(cp.children, child)
	cp.watch(child)
}

// watch reports the end of a program that nobody has asked to end.
func (cp *ControlPlane) watch(child *proc.Child) {
	go func() {
		<-child.Exited()
		if child.Asked() {
			return
		}
		select {
		case cp.failed <- child.ExitError():
		default: // one report is enough
		}
	}()
}

// Failed delivers an error when one of the programs ends by itself.
func (cp *ControlPlane) Failed() <-chan error { return cp.failed }

// Stop ends all programs, the last started first.
func (cp *ControlPlane) Stop() {
	for i := len(cp.children) - 1; i >= 0; i-- {
		cp.children[i].Stop(5 * time.Second)
	}
	cp.children = nil
}

// Server is the URL of the API server.
func (cp *ControlPlane) Server() string { return fmt.Sprintf("https://127.0.0.1:%d", cp.port) }

// AuditLog is the file that every request is recorded in.
func (cp *ControlPlane) AuditLog() string { return cp.path("audit.log") }

// CAFile is the certificate authority that the API server is verified with.
func (cp *ControlPlane) CAFile() string { return cp.ca.file() }

func (cp *ControlPlane) path(name string) string { return filepath.Join(cp.options.Dir, name) }
func (cp *ControlPlane) logDir() string          { return cp.path("logs") }
