package node

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// addresses hands out pod addresses from a /16 of the loopback network.
type addresses struct {
	mutex sync.Mutex
	net   int
	next  int
	used  map[string]bool
	claim net.Listener
}

// claimAddresses takes a /16 that no other node of this machine has.
func claimAddresses() (*addresses, error) {
	// 127.0, 127.1 and 127.53 are used by common software; low ones are left out.
	const low, high = 60, 250
	for range 4 * (high - low) {
		second := low + rand.IntN(high-low)
		// An abstract socket goes with the process that holds it, however
		// that ends, and belongs to the network namespace, as addresses do.
		claim, err := net.Listen("unix", fmt.Sprintf("@stoker-cluster-127.%d", second))
		if err == nil {
			return &addresses{net: second, used: map[string]bool{}, claim: claim}, nil
		}
	}
	return nil, errors.New("all address ranges of 127.0.0.0/8 are taken by other process nodes; stop some")
}

// take hands out an address. One given back is not used again before all
// others were: connections to the old pod must not reach a new one.
func (a *addresses) take() (string, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for range 1 << 16 {
		a.next = (a.next + 1) % (1 << 16)
		if last := a.next & 255; last == 0 || last == 255 {
			continue
		}
		address := fmt.Sprintf("127.%d.%d.%d", a.net, a.next>>8, a.next&255)
		if !a.used[address] {
			a.used[address] = true
			return address, nil
		}
	}
	return "", errors.New("no pod address is free")
}

func (a *addresses) giveBack(address string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.used, address)
}
