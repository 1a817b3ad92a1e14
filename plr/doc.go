// Package plr is the domain of OpenPLR: learners, their Personal Learning
// Record (PLR), what they share of it, who looked, and what they challenge.
//
// What lives here: the types, the rules, and the Store interface the rules
// need. Each noun has one file, and the same file name in every other room
// (share_link.go here, in resolvers and in each store).
//
// What may be touched: nothing of ours is imported. The package knows no
// GraphQL, HTTP, MongoDB, Redis or OpenID Connect; clock, randomness and keys
// are fields of Service.
//
// Errors that a caller may show to a person are *Error or Errors; anything
// else is a fault and is answered without detail at the edge.
package plr
