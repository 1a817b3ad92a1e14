// Package boltstore keeps everything in one bbolt file: the embedded default,
// for one process on one machine.
//
// What lives here: plr.Store on bbolt, one file per noun under the name the
// noun has in plr. store.go holds the transactions, codec.go how keys and
// values are written.
//
// What may be touched: plr and bbolt, nothing else of ours. Rules are plr's:
// a method reads what is stored, applies plr's pure functions to it and writes
// the outcome, in one transaction. store/storetest holds the package to that.
package boltstore
