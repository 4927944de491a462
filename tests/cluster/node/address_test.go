package node

import (
	"strings"
	"testing"
)

func TestAddressesAreUniqueAndReusedLate(t *testing.T) {
	a, err := claimAddresses()
	if err != nil {
		t.Fatal(err)
	}
	defer a.claim.Close()
	seen := map[string]bool{}
	for range 1000 {
		address, err := a.take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[address] || strings.HasSuffix(address, ".0") || strings.HasSuffix(address, ".255") {
			t.Fatalf("took %s", address)
		}
		seen[address] = true
		a.giveBack(address)
	}
}

func TestNodesHaveDifferentRanges(t *testing.T) {
	a, err := claimAddresses()
	if err != nil {
		t.Fatal(err)
	}
	defer a.claim.Close()
	b, err := claimAddresses()
	if err != nil {
		t.Fatal(err)
	}
	defer b.claim.Close()
	if a.net == b.net {
		t.Errorf("both have 127.%d", a.net)
	}
}
