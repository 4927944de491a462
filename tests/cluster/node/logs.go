package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// serveLogs serves the part of a kubelet's API that `kubectl logs` needs.
func (n *Node) serveLogs(ctx context.Context) error {
	pair, err := tls.LoadX509KeyPair(n.CertFile, n.KeyFile)
	if err != nil {
		return fmt.Errorf("loading the serving certificate: %w", err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(n.config.CAData)
	listener, err := tls.Listen("tcp", net.JoinHostPort(nodeIP, "0"), &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
		MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return err
	}
	n.readAPIPort = listenPort(listener.Addr().String())
	routes := http.NewServeMux()
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.containerLogs)
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			n.logf("serving logs: %v", err)
		}
	}()
	return nil
}

func (n *Node) containerLogs(response http.ResponseWriter, request *http.Request) {
	if user := request.TLS.PeerCertificates[0].Subject.CommonName; user != n.LogReader {
		http.Error(response, fmt.Sprintf("user %q may not read logs", user), http.StatusForbidden)
		return
	}
	w := n.find(request.PathValue("namespace"), request.PathValue("pod"))
	if w == nil {
		http.Error(response, "no such pod on this node", http.StatusNotFound)
		return
	}
	name := request.PathValue("container")
	file, err := os.Open(n.logFile(w.pod, name))
	if err != nil {
		http.Error(response, fmt.Sprintf("container %q has not started yet", name), http.StatusBadRequest)
		return
	}
	defer file.Close()
	query := request.URL.Query()
	if lines, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		if err := seekToTail(file, lines); err != nil {
			http.Error(response, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	follow := query.Get("follow") == "true"
	flusher := http.NewResponseController(response)
	for {
		// Looked at before the copy: what was written until then is in it.
		running := w.isRunning(name)
		if _, err := io.Copy(response, file); err != nil || !follow || !running {
			return
		}
		if flusher.Flush() != nil {
			return
		}
		select {
		case <-request.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (n *Node) find(namespace, name string) *worker {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, w := range n.workers {
		if w.pod.Namespace == namespace && w.pod.Name == name {
			return w
		}
	}
	return nil
}

func (w *worker) isRunning(container string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	c := w.containers[container]
	return c != nil && c.process != nil || w.phase() == corev1.PodPending
}

// seekToTail moves to the beginning of the last lines of a file.
func seekToTail(file *os.File, lines int) error {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for position := end; position > 0; {
		size := min(position, int64(len(block)))
		position -= size
		if _, err := file.ReadAt(block[:size], position); err != nil {
			return err
		}
		for i := size - 1; i >= 0; i-- {
			// The last line's own end does not begin another.
			if at := position + i; block[i] == '\n' && at != end-1 {
				if lines--; lines == 0 {
					_, err = file.Seek(at+1, io.SeekStart)
					return err
				}
			}
		}
	}
	if lines > 0 {
		_, err = file.Seek(0, io.SeekStart)
	}
	return err
}
