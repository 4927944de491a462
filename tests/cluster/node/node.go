// Package node is a small kubelet: it registers a node and runs the pods bound
// to it as processes of this machine.
package node

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Options say what a process node is called and where it keeps its files.
type Options struct {
	Name string
	// Dir gets the folders pods and pods-logs.
	Dir    string
	Images string
	// CertFile and KeyFile are for the read API (kubectl logs); without them
	// it is not served. Only the user LogReader may use it.
	CertFile, KeyFile string
	LogReader         string
	Labels            map[string]string
}

// Node is a running process node.
type Node struct {
	Options
	client           kubernetes.Interface
	config           *rest.Config
	apiHost, apiPort string
	addresses        *addresses
	readAPIPort      int

	mutex   sync.Mutex
	workers map[types.UID]*worker
	running sync.WaitGroup
}

// nodeIP is the address of every process node: they are this machine.
const nodeIP = "127.0.0.1"

// room is what a process node claims to have. Nothing is limited: how much the
// machine bears is up to those who make pods.
var room = corev1.ResourceList{
	corev1.ResourceCPU:              resource.MustParse("1000"),
	corev1.ResourceMemory:           resource.MustParse("4Ti"),
	corev1.ResourceEphemeralStorage: resource.MustParse("4Ti"),
	corev1.ResourcePods:             resource.MustParse("1000"),
}

// Run runs a node until the context ends. All its pods end with it.
func Run(ctx context.Context, config *rest.Config, options Options) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	n := &Node{Options: options, client: client, config: config, workers: map[types.UID]*worker{}}
	server, err := url.Parse(config.Host)
	if err != nil {
		return err
	}
	n.apiHost, n.apiPort = server.Hostname(), server.Port()
	if n.apiPort == "" {
		n.apiPort = "443"
	}
	if n.addresses, err = claimAddresses(); err != nil {
		return err
	}
	for _, name := range []string{"pods", "pods-logs"} {
		if err := os.MkdirAll(filepath.Join(n.Dir, name), 0o755); err != nil {
			return err
		}
	}
	if n.CertFile != "" {
		if err := n.serveLogs(ctx); err != nil {
			return err
		}
	}
	if err := n.register(ctx); err != nil {
		return fmt.Errorf("registering the node %s: %w", n.Name, err)
	}
	go n.heartbeat(ctx)
	n.watchPods(ctx)
	<-ctx.Done()
	// The workers see the end of the context and kill their containers.
	n.running.Wait()
	return nil
}

func (n *Node) register(ctx context.Context) error {
	now := metav1.Now()
	labels := map[string]string{
		corev1.LabelHostname: n.Name, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
	}
	for key, value := range n.Labels {
		labels[key] = value
	}
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: room,
			Conditions: []corev1.NodeCondition{
				condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "ProcessNode"),
				condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "ProcessNode"),
				condition(corev1.NodePIDPressure, corev1.ConditionFalse, "ProcessNode"),
				condition(corev1.NodeReady, corev1.ConditionTrue, "ProcessNodeReady"),
			},
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: nodeIP}, {Type: corev1.NodeHostName, Address: n.Name},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(n.readAPIPort)}},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: runtime.GOARCH, OperatingSystem: runtime.GOOS,
				KubeletVersion: "v0.0.0-process", ContainerRuntimeVersion: "process://0",
			},
		},
	}
	nodes := n.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// From before a restart: only the state is this process's.
		var found *corev1.Node
		if found, err = nodes.Get(ctx, n.Name, metav1.GetOptions{}); err == nil {
			found.Status = node.Status
			_, err = nodes.UpdateStatus(ctx, found, metav1.UpdateOptions{})
		}
	}
	return err
}

// heartbeat renews the lease by which the controller manager knows that the
// node is alive.
func (n *Node) heartbeat(ctx context.Context) {
	const every, valid = 10 * time.Second, int32(40)
	leases := n.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	beat := func() error {
		now, seconds := metav1.NowMicro(), valid
		lease, err := leases.Get(ctx, n.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: n.Name}}
			lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &n.Name, LeaseDurationSeconds: &seconds, RenewTime: &now}
			_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
			return err
		}
		if err != nil {
			return err
		}
		late := lease.Spec.RenewTime == nil || now.Sub(lease.Spec.RenewTime.Time) > 2*every
		if late {
			// The node may have been given up meanwhile.
			if err := n.register(ctx); err != nil {
				return err
			}
		}
		lease.Spec.RenewTime = &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	}
	for {
		if err := beat(); err != nil && ctx.Err() == nil {
			n.logf("renewing the lease: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// watchPods follows the pods bound to this node.
func (n *Node) watchPods(ctx context.Context) {
	mine := fields.OneTermEqualSelector("spec.nodeName", n.Name)
	source := cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, mine)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source,
		ObjectType:    &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { n.seen(ctx, object.(*corev1.Pod)) },
			UpdateFunc: func(_, object any) { n.seen(ctx, object.(*corev1.Pod)) },
			DeleteFunc: func(object any) {
				if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
					object = unknown.Obj
				}
				if pod, ok := object.(*corev1.Pod); ok {
					n.gone(pod.UID)
				}
			},
		},
	})
	go informer.RunWithContext(ctx)
}

func (n *Node) seen(ctx context.Context, pod *corev1.Pod) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	w := n.workers[pod.UID]
	if w == nil {
		w = newWorker(n, pod)
		n.workers[pod.UID] = w
		n.running.Add(1)
		go func() {
			defer n.running.Done()
			w.run(ctx)
		}()
	}
	w.update(pod)
}

// gone is told that a pod is no longer in the API, by whoever's doing.
func (n *Node) gone(uid types.UID) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if w := n.workers[uid]; w != nil {
		delete(n.workers, uid)
		close(w.removed)
	}
}

func (n *Node) logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format("15:04:05.000"), n.Name, fmt.Sprintf(format, args...))
}

func (n *Node) logFile(pod *corev1.Pod, container string) string {
	return filepath.Join(n.Dir, "pods-logs", pod.Namespace+"_"+pod.Name+"_"+string(pod.UID), container+".log")
}

// listenPort is the port of a listener's address.
func listenPort(address string) int {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == ':' {
			port, _ := strconv.Atoi(address[i+1:])
			return port
		}
	}
	return 0
}
