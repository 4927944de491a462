// Package sandbox runs one container as processes of this machine, in mount,
// PID and UTS namespaces of its own (and in a user namespace when not root).
//
// It has two sides: Start runs in the node and starts this same program again
// as the first process of the new namespaces; Init runs there, rebuilds the
// file system and starts the container's command. They talk over a socket.
package sandbox

import "encoding/json"

// Spec is what Init needs to know.
type Spec struct {
	// Root is an empty folder to build the container's file system on.
	Root     string   `json:"root"`
	Hostname string   `json:"hostname"`
	Mounts   []Mount  `json:"mounts"`
	Args     []string `json:"args"`
	Env      []string `json:"env"`
	// Dir is the working folder. It is made when it does not exist.
	Dir string `json:"dir"`
}

// Mount puts a file or folder of the host at a path of the container.
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
	// Fixed contents belong to somebody else: where another mount has to go
	// below it the folders on the way are rebuilt, instead of making the mount
	// point in the source.
	Fixed bool `json:"fixed"`
}

// message is one line on the socket between the two sides.
type message struct {
	// From Init: the command runs, or why it does not.
	Started bool   `json:"started,omitempty"`
	Error   string `json:"error,omitempty"`
	// To Init: run this as well; from Init: it ended so.
	Exec     []string `json:"exec,omitempty"`
	ExecCode *int     `json:"execCode,omitempty"`
}

func (m message) line() []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always can be
	}
	return append(text, '\n')
}
