// Package openplr carries the schema, the contract of the service, so that the
// server can show it. Nothing else lives at the root.
package openplr

import _ "embed"

// Schema is schema.graphqls as it was when the program was built.
//
//go:embed schema.graphqls
var Schema string
