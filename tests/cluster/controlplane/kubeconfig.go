package controlplane

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// KubeletClient is the user that the API server is towards the nodes.
const KubeletClient = "stoker-kube-apiserver"

// Kubeconfig issues a client certificate and writes a kubeconfig that holds
// it, with no reference to other files.
func (cp *ControlPlane) Kubeconfig(name, user string, groups []string) (string, error) {
	pair, err := cp.ca.issue(name, user, groups)
	if err != nil {
		return "", err
	}
	file := filepath.Join(cp.options.Dir, "pki", name+".kubeconfig")
	return file, cp.writeKubeconfig(file, "", &api.AuthInfo{
		ClientCertificateData: pair.certPEM, ClientKeyData: pair.keyPEM,
	})
}

// AdminKubeconfig writes the kubeconfig of the instance's user.
func (cp *ControlPlane) AdminKubeconfig(file, namespace string) error {
	pair, err := cp.ca.issueRSA("admin", "stoker-admin", []string{"system:masters"})
	if err != nil {
		return err
	}
	return cp.writeKubeconfig(file, namespace, &api.AuthInfo{
		ClientCertificateData: pair.certPEM, ClientKeyData: pair.keyPEM,
	})
}

// NodeIdentity issues what a node needs: a kubeconfig and a serving
// certificate for its read API.
func (cp *ControlPlane) NodeIdentity(name string) (kubeconfig, certFile, keyFile string, err error) {
	kubeconfig, err = cp.Kubeconfig(name, "system:node:"+name, []string{"system:nodes"})
	if err != nil {
		return "", "", "", err
	}
	pair, err := cp.ca.issue(name+"-serving", "system:node:"+name, []string{"system:nodes"}, "127.0.0.1", name)
	if err != nil {
		return "", "", "", err
	}
	return kubeconfig, pair.certFile, pair.keyFile, nil
}

func (cp *ControlPlane) writeKubeconfig(file, namespace string, user *api.AuthInfo) error {
	return WriteKubeconfig(file, cp.Server(), cp.ca.pem, namespace, user)
}

// WriteKubeconfig writes a kubeconfig with one context.
func WriteKubeconfig(file, server string, ca []byte, namespace string, user *api.AuthInfo) error {
	config := api.NewConfig()
	config.Clusters["stoker"] = &api.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos["stoker"] = user
	config.Contexts["stoker"] = &api.Context{Cluster: "stoker", AuthInfo: "stoker", Namespace: namespace}
	config.CurrentContext = "stoker"
	return clientcmd.WriteToFile(*config, file)
}

// WaitReady waits until the API server answers that it is ready.
func (cp *ControlPlane) WaitReady(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if _, last = client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); last == nil {
			return nil
		}
		select {
		case err := <-cp.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("the API server was not ready in time (%v); see %s", last, cp.path("logs"))
		case <-tick.C:
		}
	}
}
