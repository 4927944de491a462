package controlplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// freePorts finds n ports of the loopback interface that nobody listens on.
//
// They are taken from below the range that the kernel hands to outgoing
// connections: between this look and the program's own listen another test's
// connection would otherwise be given the port now and then.
func freePorts(n int) ([]int, error) {
	const low, high, tries = 15000, 30000, 1000
	var listeners []net.Listener
	defer func() {
		for _, listener := range listeners {
			listener.Close()
		}
	}()
	var ports []int
	for range tries {
		port := low + rand.IntN(high-low)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		// Kept open until all are found, so that none is found twice.
		listeners = append(listeners, listener)
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("found no free ports on 127.0.0.1; end some of the programs that listen there")
}
