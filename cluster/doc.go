// Package cluster tests the product against a database that is spoken to over
// the wire. It is a module of its own, so that the product's go.mod stays free
// of the test server.
package cluster
