// Package mongostore is a plr.Store in MongoDB, for more replicas of the
// service than one.
//
// It asks little of the server: the stable API, single documents, and that _id
// is unique. Every operation takes effect in one write to one document; what
// has to reach a second document is noted in the first one, in that same write,
// and carried over afterwards, by whoever comes next if need be. See
// docs/decisions/0010-mongodb-documents.md.
package mongostore
