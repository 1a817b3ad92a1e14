// Package mongotest starts a MongoDB-compatible server inside a test: FerretDB
// on SQLite, behind a proxy that makes of it what a test needs.
//
// The proxy lets one command at a time reach a database, because FerretDB reads,
// changes and writes a document in three steps that others can come between. It
// passes the server off as the primary of a replica set, so that the driver
// retries writes as it does in production, and answers a retried write with the
// first answer, as MongoDB does. It refuses a command without the stable API's
// fields. And it can be told, command by command, to fail.
package mongotest
