// Package manifests holds the objects that every instance starts with.
package manifests

import _ "embed"

// RBAC is the namespaces, accounts and roles; NAMESPACE is to be replaced.
//
//go:embed rbac.yaml
var RBAC string
